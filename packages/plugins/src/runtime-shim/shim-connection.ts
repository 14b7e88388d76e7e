import { Task as TaskV2 } from "@slipway/api/containerd/task/v2/task_pb";
import { Task } from "@slipway/api/containerd/task/v3/task_pb";
import { Fault } from "@slipway/fault/fault";
import type { Client, Transport } from "@slipway/rpc/client";
import { createClient } from "@slipway/rpc/create-client";
import { TtrpcClient } from "@slipway/ttrpc/client";
import { type Bootstrap, socketPath } from "./bootstrap.ts";

/** A connection to a running shim, which may hold several tasks. */
export class ShimConnection {
  readonly bootstrap: Bootstrap;
  /** Resolves when the shim is gone, or `close` was called. */
  readonly closed: Promise<void>;
  /** Whether it is gone. */
  isClosed = false;
  readonly #transport: Transport;
  readonly #close: () => Promise<void>;
  #tasks: Client<typeof Task>;

  private constructor(
    bootstrap: Bootstrap,
    transport: Transport,
    { closed, close }: { readonly closed: Promise<void>; readonly close: () => Promise<void> },
  ) {
    this.bootstrap = bootstrap;
    this.closed = this.#noted(closed);
    this.#transport = transport;
    this.#close = close;
    this.#tasks = createClient(bootstrap.version >= 3 ? Task : olderTask, transport);
  }

  /** To a shim of ours, which need not run yet: what is said to it waits in its socket. */
  static open(path: string): ShimConnection {
    const bootstrap = { version: 3, address: `unix://${path}`, protocol: "ttrpc" };
    return ShimConnection.#over(bootstrap, new TtrpcClient(path));
  }

  static #over(bootstrap: Bootstrap, client: TtrpcClient): ShimConnection {
    const close = (): Promise<void> => client[Symbol.asyncDispose]();
    return new ShimConnection(bootstrap, client, { closed: client.closed, close });
  }

  /** @throws when nobody listens there */
  static async connect(bootstrap: Bootstrap): Promise<ShimConnection> {
    const path = socketPath(bootstrap.address);
    if (bootstrap.protocol === "ttrpc") {
      return ShimConnection.#over(bootstrap, await TtrpcClient.connect(path));
    }
    if (bootstrap.protocol !== "grpc") {
      throw new Fault("invalid_argument", `unexpected protocol: "${bootstrap.protocol}"`);
    }
    const { connectGrpcShim } = await import("./grpc-shim.ts");
    const { channel, ...ends } = await connectGrpcShim(path);
    return new ShimConnection(bootstrap, channel, ends);
  }

  /** The task API in the shim's version. */
  get tasks(): Client<typeof Task> {
    return this.#tasks;
  }

  /** Speaks version 2 from now on, to a shim that said it knew 3 and does not. */
  downgrade(): void {
    this.#tasks = createClient(olderTask, this.#transport);
  }

  async #noted(closed: Promise<void>): Promise<void> {
    await closed;
    this.isClosed = true;
  }

  async close(): Promise<void> {
    await this.#close();
  }
}

/** Version 2's messages have version 3's fields under another package name. */
const olderTask = TaskV2 as unknown as typeof Task;
