import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { Fault } from "@slipway/fault/fault";
import type { ServiceRegistration } from "@slipway/rpc/service";
import { type Route, routesOf } from "./routes.ts";
import { ServerCall } from "./server-call.ts";
import { callWindowBytes, connectionWindowBytes, sessionMegabytes } from "./windows.ts";

export interface GrpcServerOptions {
  /** In bytes; 16 MiB unless told, as containerd has it. */
  readonly maxReceiveMessageBytes?: number;
  readonly maxSendMessageBytes?: number;
}

const defaultMessageBytes = 16 * 1024 * 1024;
/**
 * How many calls a client may cancel, at once and each second. Go's content reader cancels a call for each 32 KiB it
 * has read; at Node's limits, made for strangers, it is cut off after 33 MB. Who may open our socket is root.
 */
const cancellations = 1_000_000;

/** Serves gRPC on HTTP/2 without TLS. Disposing of it refuses new calls, lets the running ones end, then closes. */
export class GrpcServer implements AsyncDisposable {
  readonly #find: (path: string) => Route;
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #calls = new Set<ServerCall>();

  constructor(services: readonly ServiceRegistration[], options: GrpcServerOptions = {}) {
    this.#find = routesOf(services);
    const limits = {
      maxReceiveBytes: options.maxReceiveMessageBytes ?? defaultMessageBytes,
      maxSendBytes: options.maxSendMessageBytes ?? defaultMessageBytes,
    };
    this.#server = createServer({
      maxSessionMemory: sessionMegabytes,
      streamResetBurst: cancellations,
      streamResetRate: cancellations,
      settings: { initialWindowSize: callWindowBytes, maxConcurrentStreams: 4096 },
    });
    this.#server.on("session", (session) => {
      session.setLocalWindowSize(connectionWindowBytes);
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
      // A connection that breaks is its client's affair: calls see their streams close.
      session.on("error", () => {});
    });
    this.#server.on("stream", (stream, headers, _flags, rawHeaders) => {
      const call = new ServerCall(stream, headers, rawHeaders, limits);
      this.#calls.add(call);
      stream.once("close", () => this.#calls.delete(call));
      void call.serve(this.#find);
    });
  }

  /** Listens on a unix socket, or on a host and port. */
  async listen(where: string | { readonly host: string; readonly port: number }): Promise<void> {
    if (typeof where === "string") this.#server.listen(where);
    else this.#server.listen(where.port, where.host);
    await once(this.#server, "listening");
  }

  /** Where it listens, on TCP. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Refuses new calls and waits for the running ones, at most `graceMs`; those that last longer are cut off. */
  async drain(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    const timer = setTimeout(() => {
      for (const call of this.#calls) call.abort(new Fault("unavailable", "the server is stopping"));
      for (const session of this.#sessions) session.destroy();
    }, graceMs);
    await closed;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0);
  }
}
