import { once } from "node:events";
import {
  createServer,
  constants,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import {
  create,
  fromBinary,
  type DescMethod,
  toBinary,
  type MessageShape,
  type DescMessage,
} from "@bufbuild/protobuf";
import { Fault } from "@slipway/fault/fault";
import { Metadata } from "@slipway/rpc/metadata";
import type { CallContext, ServiceRegistration } from "@slipway/rpc/service";
import { frame, unframe } from "./frames.ts";
import { failureTrailers } from "./grpc-status.ts";
import { type Route, routesOf } from "./routes.ts";
import { parseTimeout } from "./timeout.ts";

export interface GrpcServerOptions {
  readonly maxReceiveMessageBytes?: number;
  readonly maxSendMessageBytes?: number;
}

const defaultMessageBytes = 16 * 1024 * 1024;
/** What one connection may hold, in MB: at Node's 10 a few stalled readers make it refuse their neighbours' calls. */
const sessionMegabytes = 256;
/** How much a peer may send before it waits for us, in bytes: large enough for 1 MiB messages to flow. */
const windowBytes = 1024 * 1024;

/** Serves gRPC on HTTP/2 without TLS. Disposing of it refuses new calls, lets the running ones end, then closes. */
export class GrpcServer implements AsyncDisposable {
  readonly #find: (path: string) => Route;
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #calls = new Set<AbortController>();
  readonly #maxReceiveBytes: number;
  readonly #maxSendBytes: number;

  constructor(services: readonly ServiceRegistration[], options: GrpcServerOptions = {}) {
    this.#find = routesOf(services);
    this.#maxReceiveBytes = options.maxReceiveMessageBytes ?? defaultMessageBytes;
    this.#maxSendBytes = options.maxSendMessageBytes ?? defaultMessageBytes;
    this.#server = createServer({
      maxSessionMemory: sessionMegabytes,
      settings: { initialWindowSize: windowBytes, maxConcurrentStreams: 4096 },
    });
    this.#server.on("session", (session) => {
      session.setLocalWindowSize(4 * windowBytes);
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
      // A connection that breaks is its client's affair: calls see their streams close.
      session.on("error", () => {});
    });
    this.#server.on("stream", (stream, headers) => void this.#serve(stream, headers));
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
      for (const call of this.#calls) call.abort();
      for (const session of this.#sessions) session.destroy();
    }, graceMs);
    await closed;
    clearTimeout(timer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0);
  }

  async #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const controller = new AbortController();
    this.#calls.add(controller);
    stream.on("error", () => {});
    stream.once("close", () => {
      // Most streams close because their call has ended: that is no reason for an error and its stack.
      if (this.#calls.delete(controller)) controller.abort(new Fault("canceled", "context canceled"));
    });
    const timeoutMs = parseTimeout(headers["grpc-timeout"]);
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(
            () => controller.abort(new Fault("deadline_exceeded", "context deadline exceeded")),
            timeoutMs,
          );
    try {
      const context: CallContext = {
        path: headers[":path"] ?? "",
        metadata: metadataOf(headers),
        signal: controller.signal,
        ...(timeoutMs === undefined ? {} : { deadline: new Date(Date.now() + timeoutMs) }),
      };
      await this.#call(stream, this.#find(context.path), context);
      await finish(stream, { "grpc-status": "0" });
    } catch (error) {
      const { signal } = controller;
      await finish(
        stream,
        failureTrailers(signal.aborted && signal.reason instanceof Fault ? signal.reason : error),
      );
    } finally {
      clearTimeout(timer);
      this.#calls.delete(controller);
    }
  }

  async #call(stream: ServerHttp2Stream, { method, handler }: Route, context: CallContext): Promise<void> {
    const requests = decoded(method.input, unframe(incoming(stream), this.#maxReceiveBytes));
    const one = method.methodKind === "unary" || method.methodKind === "server_streaming";
    const argument = one ? await only(requests) : requests;
    const result = (handler as (request: unknown, context: CallContext) => unknown)(argument, context);
    if (method.methodKind === "unary" || method.methodKind === "client_streaming") {
      await this.#send(
        stream,
        method,
        await abortable(Promise.resolve(result), context.signal),
        context.signal,
      );
      return;
    }
    for await (const response of result as AsyncIterable<unknown>) {
      await this.#send(stream, method, response, context.signal);
    }
  }

  async #send(
    stream: ServerHttp2Stream,
    method: DescMethod,
    response: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    const message = toBinary(method.output, create(method.output, response as MessageShape<DescMessage>));
    if (message.length > this.#maxSendBytes) {
      throw new Fault(
        "resource_exhausted",
        `grpc: trying to send message larger than max (${message.length} vs. ${this.#maxSendBytes})`,
      );
    }
    signal.throwIfAborted();
    begin(stream);
    if (!stream.write(frame(message))) await once(stream, "drain", { signal });
  }
}

const trailers = new WeakMap<ServerHttp2Stream, Record<string, string>>();

function begin(stream: ServerHttp2Stream): void {
  if (stream.headersSent || stream.destroyed) return;
  stream.respond(
    { [constants.HTTP2_HEADER_STATUS]: 200, [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc" },
    { waitForTrailers: true },
  );
  stream.once("wantTrailers", () => stream.sendTrailers(trailers.get(stream) ?? {}));
}

async function finish(stream: ServerHttp2Stream, status: Record<string, string>): Promise<void> {
  if (stream.destroyed || stream.closed) return;
  trailers.set(stream, status);
  begin(stream);
  stream.end();
  // What the client still sends is not wanted; without reading it the stream would stay open.
  stream.resume();
}

async function* decoded(schema: DescMessage, frames: AsyncIterable<Uint8Array>): AsyncGenerator {
  for await (const bytes of frames) yield fromBinary(schema, bytes);
}

async function only(requests: AsyncIterable<unknown>): Promise<unknown> {
  for await (const request of requests) return request;
  throw new Fault("internal", "grpc: the call ended without a request");
}

async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw signal.reason;
  return await new Promise<T>((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function metadataOf(headers: IncomingHttpHeaders): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(headers)) {
    if (key.startsWith(":") || value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) metadata.append(key, one);
  }
  return metadata;
}

/** Leaving the iteration must not destroy the stream: the answer goes the other way. */
function incoming(stream: ServerHttp2Stream): AsyncIterable<Uint8Array> {
  return stream.iterator({ destroyOnReturn: false });
}
