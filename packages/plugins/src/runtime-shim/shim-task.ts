import type { ProcessExit, ProcessIo, ProcessState } from "@slipway/core/tasks";
import type { CallOptions } from "@slipway/rpc/client";
import { detailsHeader } from "@slipway/rpc/details-on-request";
import { Metadata } from "@slipway/rpc/metadata";
import type { Bundle } from "./bundle.ts";
import type { ShimBinary } from "./shim-binary.ts";
import type { ShimConnection } from "./shim-connection.ts";

/** What a task's shim is to the launcher that found it. */
export interface ShimHold {
  /** Gives the shim back: called once, when the task is deleted. */
  release(shim: ShimConnection): Promise<void>;
  /** Called for each shim that comes to hold the task. */
  held?(shim: ShimConnection): void;
  /** The task is gone. */
  gone?(): void;
  /** Another shim in the place of the one at `address`, which died, for all the tasks that it held. Ours can do that. */
  succeed?(address: string, ids: readonly string[]): ShimConnection;
}

/** A task and the shim that holds it. */
export class ShimTask {
  readonly bundle: Bundle;
  readonly binary: ShimBinary;
  readonly hold: ShimHold;
  /** With what every call to the shim is made: the namespace, as containerd tells it. */
  readonly call: CallOptions;
  /** Of the first process; 0 until it is created. */
  pid = 0;
  /** Of the first process; not known of a task that an earlier daemon made, until its shim tells. */
  io: ProcessIo | undefined;
  /** Of the first process once it has ended: nothing of it will change. */
  stopped: ProcessState | undefined;
  /** While it is being deleted. */
  deletion: Promise<ProcessExit> | undefined;
  /** Of the execs that this daemon started. */
  readonly execPids = new Map<string, number>();
  #shim: ShimConnection;
  #afterShim = Promise.withResolvers<ProcessExit | undefined>();

  constructor(bundle: Bundle, shim: ShimConnection, binary: ShimBinary, hold: ShimHold) {
    this.bundle = bundle;
    this.#shim = shim;
    this.binary = binary;
    this.hold = hold;
    const headers = [
      ["containerd-namespace-ttrpc", bundle.namespace],
      [detailsHeader, "1"],
    ] as const;
    this.call = { metadata: new Metadata(headers) };
    hold.held?.(shim);
  }

  get id(): string {
    return this.bundle.id;
  }

  get namespace(): string {
    return this.bundle.namespace;
  }

  /** The first process has ended. */
  ended(exit: ProcessExit): void {
    const { id, pid, io } = this;
    if (io) this.stopped ??= { containerId: id, id, pid, status: "stopped", io, exit };
  }

  get shim(): ShimConnection {
    return this.#shim;
  }

  /**
   * Resolves when the present shim died, and another holds the task, or none could and what was left is cleaned up:
   * then with how the first process ended.
   */
  get afterShim(): Promise<ProcessExit | undefined> {
    return this.#afterShim.promise;
  }

  takenOver(shim: ShimConnection): void {
    const { resolve } = this.#afterShim;
    this.#shim = shim;
    this.#afterShim = Promise.withResolvers();
    this.hold.held?.(shim);
    resolve(undefined);
  }

  cleanedUp(exit: ProcessExit): void {
    this.#afterShim.resolve(exit);
  }

  async release(): Promise<void> {
    await this.hold.release(this.#shim);
  }
}
