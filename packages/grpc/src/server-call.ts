import { once } from "node:events";
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { type DescMessage, type DescMethod, fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { Fault } from "@slipway/fault/fault";
import { Metadata } from "@slipway/rpc/metadata";
import type { CallContext } from "@slipway/rpc/service";
import { encodeFrame, writeParts } from "./frames.ts";
import { failureTrailers } from "./grpc-status.ts";
import { Inbox } from "./inbox.ts";
import type { Route } from "./routes.ts";
import { parseTimeout } from "./timeout.ts";

export interface MessageLimits {
  readonly maxReceiveBytes: number;
  readonly maxSendBytes: number;
}

/** One call on its HTTP/2 stream, from its headers to its trailers. */
export class ServerCall {
  readonly context: CallContext;
  readonly #stream: ServerHttp2Stream;
  readonly #limits: MessageLimits;
  readonly #inbox: Inbox;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  #trailers: Record<string, string> | undefined;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    rawHeaders: readonly string[],
    limits: MessageLimits,
  ) {
    this.#stream = stream;
    this.#limits = limits;
    this.#inbox = new Inbox(stream, limits.maxReceiveBytes);
    // A stream that breaks closes, too.
    stream.on("error", () => {});
    stream.once("close", () => {
      if (!this.#trailers) this.abort(new Fault("canceled", "context canceled"));
    });
    const timeoutMs = parseTimeout(headers["grpc-timeout"]);
    if (timeoutMs !== undefined) {
      const late = (): void => this.abort(new Fault("deadline_exceeded", "context deadline exceeded"));
      this.#timer = setTimeout(late, timeoutMs);
    }
    this.context = {
      path: headers[":path"] ?? "",
      metadata: metadataOf(rawHeaders),
      signal: this.#controller.signal,
      ...(timeoutMs === undefined ? {} : { deadline: new Date(Date.now() + timeoutMs) }),
    };
  }

  /** Tells the handler that nobody waits any longer. */
  abort(reason: Fault): void {
    this.#controller.abort(reason);
  }

  async serve(find: (path: string) => Route): Promise<void> {
    try {
      await this.#answer(find(this.context.path));
      this.#finish({ "grpc-status": "0" });
    } catch (error) {
      const { signal } = this.context;
      this.#finish(failureTrailers(signal.aborted && signal.reason instanceof Fault ? signal.reason : error));
    } finally {
      clearTimeout(this.#timer);
    }
  }

  async #answer({ method, handler }: Route): Promise<void> {
    const { methodKind } = method;
    const one = methodKind === "unary" || methodKind === "server_streaming";
    const argument = one ? await this.#only(method.input) : this.#requests(method.input);
    const result = (handler as (request: unknown, context: CallContext) => unknown)(argument, this.context);
    if (methodKind === "unary" || methodKind === "client_streaming") {
      await this.#send(method, await abortable(result, this.context.signal));
      return;
    }
    for await (const response of result as AsyncIterable<unknown>) await this.#send(method, response);
  }

  async #only(schema: DescMessage): Promise<unknown> {
    const message = await this.#inbox.next();
    if (message) return fromBinary(schema, message);
    this.context.signal.throwIfAborted();
    throw new Fault("internal", "grpc: the call ended without a request");
  }

  async *#requests(schema: DescMessage): AsyncGenerator {
    for (;;) {
      const message = await this.#inbox.next();
      this.context.signal.throwIfAborted();
      if (!message) return;
      yield fromBinary(schema, message);
    }
  }

  async #send({ output }: DescMethod, response: unknown): Promise<void> {
    const parts = encodeFrame(output, response as MessageInitShape<DescMessage>, this.#limits.maxSendBytes);
    const { signal } = this.context;
    signal.throwIfAborted();
    this.#respond();
    if (!writeParts(this.#stream, parts)) await once(this.#stream, "drain", { signal });
  }

  #respond(): void {
    if (this.#stream.headersSent) return;
    this.#stream.respond(answerHeaders, { waitForTrailers: true });
    this.#stream.once("wantTrailers", () => this.#stream.sendTrailers(this.#trailers ?? {}));
  }

  #finish(trailers: Record<string, string>): void {
    this.#inbox.close();
    if (this.#stream.destroyed || this.#stream.closed) return;
    this.#trailers = trailers;
    if (this.#stream.headersSent) this.#stream.end();
    else this.#stream.respond({ ...answerHeaders, ...trailers }, { endStream: true });
  }
}

const answerHeaders = {
  [constants.HTTP2_HEADER_STATUS]: 200,
  [constants.HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
};

async function abortable(result: unknown, signal: AbortSignal): Promise<unknown> {
  if (!(result instanceof Promise)) return result;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([result, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Keys and values as they came, because Node joins the values of a key. */
function metadataOf(rawHeaders: readonly string[]): Metadata {
  const metadata = new Metadata();
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const key = rawHeaders[at] ?? "";
    if (!key.startsWith(":")) metadata.append(key, rawHeaders[at + 1] ?? "");
  }
  return metadata;
}
