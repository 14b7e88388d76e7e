import type { ProcessExit } from "@slipway/core/tasks";
import type { CallOptions } from "@slipway/rpc/client";
import { Metadata } from "@slipway/rpc/metadata";
import type { Bundle } from "./bundle.ts";
import type { ShimBinary } from "./shim-binary.ts";
import type { ShimConnection } from "./shim-connection.ts";

/** A task and the shim that holds it. */
export class ShimTask {
  readonly bundle: Bundle;
  readonly shim: ShimConnection;
  readonly binary: ShimBinary;
  /** Gives the shim back: called once, when the task is deleted. */
  readonly release: () => Promise<void>;
  /** With what every call to the shim is made: the namespace, as containerd tells it. */
  readonly call: CallOptions;
  /** Of the first process; 0 until it is created. */
  pid = 0;
  /** Of the execs that this daemon started. */
  readonly execPids = new Map<string, number>();
  readonly #lost = Promise.withResolvers<ProcessExit>();

  constructor(bundle: Bundle, shim: ShimConnection, binary: ShimBinary, release: () => Promise<void>) {
    this.bundle = bundle;
    this.shim = shim;
    this.binary = binary;
    this.release = release;
    this.call = { metadata: new Metadata([["containerd-namespace-ttrpc", bundle.namespace]]) };
  }

  get id(): string {
    return this.bundle.id;
  }

  get namespace(): string {
    return this.bundle.namespace;
  }

  /** Resolves when the shim died and what it left behind was cleaned up: how the first process ended. */
  get lost(): Promise<ProcessExit> {
    return this.#lost.promise;
  }

  cleanedUp(exit: ProcessExit): void {
    this.#lost.resolve(exit);
  }
}
