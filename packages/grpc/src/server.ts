import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { Fault } from "@slipway/fault/fault";
import { backlog } from "@slipway/rpc/backlog";
import type { ServiceRegistration } from "@slipway/rpc/service";
import { ServerConnection } from "./http2/server-connection.ts";
import { type Route, routesOf } from "./routes.ts";
import { ServerCall } from "./server-call.ts";

export interface GrpcServerOptions {
  /** In bytes; 16 MiB unless told, as containerd has it. */
  readonly maxReceiveMessageBytes?: number;
  readonly maxSendMessageBytes?: number;
}

/** A call that has not ended. */
export interface RunningCall {
  /** The full name, such as `/containerd.services.version.v1.Version/Version`. */
  readonly path: string;
  readonly ageMs: number;
}

const defaultMessageBytes = 16 * 1024 * 1024;

/** Serves gRPC on HTTP/2 without TLS. Disposing of it refuses new calls, lets the running ones end, then closes. */
export class GrpcServer implements AsyncDisposable {
  readonly #find: (path: string) => Route;
  readonly #server: Server;
  readonly #connections = new Set<ServerConnection>();
  readonly #calls = new Set<ServerCall>();

  constructor(services: readonly ServiceRegistration[], options: GrpcServerOptions = {}) {
    this.#find = routesOf(services);
    const limits = {
      maxReceiveBytes: options.maxReceiveMessageBytes ?? defaultMessageBytes,
      maxSendBytes: options.maxSendMessageBytes ?? defaultMessageBytes,
    };
    this.#server = createServer((socket) => {
      const connection = new ServerConnection(socket, (stream) => {
        const call = new ServerCall(stream, limits, () => this.#calls.delete(call));
        this.#calls.add(call);
        void call.serve(this.#find);
      });
      this.#connections.add(connection);
      socket.once("close", () => this.#connections.delete(connection));
    });
    // A connection that cannot be accepted, for want of file descriptors, is not the end of the others.
    this.#server.on("error", () => {});
  }

  /** Listens on a unix socket, or on a host and port. */
  async listen(where: string | { readonly host: string; readonly port: number }): Promise<void> {
    this.#server.listen(typeof where === "string" ? { path: where, backlog } : { ...where, backlog });
    await once(this.#server, "listening");
  }

  /** The calls that have not ended, the oldest first. */
  runningCalls(): RunningCall[] {
    const now = performance.now();
    return [...this.#calls].map(({ context, begunAt }) => ({
      path: context.path,
      ageMs: Math.round(now - begunAt),
    }));
  }

  /** Where it listens, on TCP. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Refuses new calls and waits for the running ones, at most `graceMs`; those that last longer are cut off. */
  async drain(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.close();
    const timer = setTimeout(() => {
      for (const call of this.#calls) call.abort(new Fault("unavailable", "the server is stopping"));
      for (const connection of this.#connections) connection.destroy();
    }, graceMs);
    await closed;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0);
  }
}
