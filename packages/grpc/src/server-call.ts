import { type DescMessage, type DescMethod, type MessageInitShape } from "@bufbuild/protobuf";
import { Fault } from "@slipway/fault/fault";
import { Metadata } from "@slipway/rpc/metadata";
import { readMessage } from "@slipway/rpc/read-message";
import type { CallContext } from "@slipway/rpc/service";
import { encodeFrame, encodeFrameInTurns } from "./frames.ts";
import { failureTrailers } from "./grpc-status.ts";
import { encodeHeaders } from "./http2/encode-headers.ts";
import type { Field } from "./http2/header-decoder.ts";
import type { ServerStream } from "./http2/server-stream.ts";
import { Inbox } from "./inbox.ts";
import { hasLongList } from "./long-lists.ts";
import type { Route } from "./routes.ts";
import { parseTimeout } from "./timeout.ts";

export interface MessageLimits {
  readonly maxReceiveBytes: number;
  readonly maxSendBytes: number;
}

/** One call on its HTTP/2 stream, from its headers to its trailers. */
export class ServerCall {
  readonly context: CallContext;
  /** On the clock of performance.now(). */
  readonly begunAt = performance.now();
  readonly #stream: ServerStream;
  readonly #limits: MessageLimits;
  readonly #inbox: Inbox;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  #hasFinished = false;

  /** @param onClose called when nothing goes either way any more */
  constructor(stream: ServerStream, limits: MessageLimits, onClose: () => void) {
    this.#stream = stream;
    this.#limits = limits;
    this.#inbox = new Inbox(stream, limits.maxReceiveBytes, () => {
      if (!this.#hasFinished) this.abort(new Fault("canceled", "context canceled"));
      onClose();
    });
    const valueOf = (name: string): string | undefined => stream.fields.find(([one]) => one === name)?.[1];
    const timeoutMs = parseTimeout(valueOf("grpc-timeout"));
    if (timeoutMs !== undefined) {
      const late = (): void => this.abort(new Fault("deadline_exceeded", "context deadline exceeded"));
      this.#timer = setTimeout(late, timeoutMs);
    }
    this.context = {
      path: valueOf(":path") ?? "",
      metadata: metadataOf(stream.fields),
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
      this.#finish(okTrailers);
    } catch (error) {
      const { signal } = this.context;
      const failure: unknown = signal.aborted && signal.reason instanceof Fault ? signal.reason : error;
      this.#finish(encodeHeaders(failureTrailers(failure)));
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
    if (message) return readMessage(schema, message, "internal");
    this.context.signal.throwIfAborted();
    throw new Fault("internal", "grpc: the call ended without a request");
  }

  async *#requests(schema: DescMessage): AsyncGenerator {
    for (;;) {
      const message = await this.#inbox.next();
      this.context.signal.throwIfAborted();
      if (!message) return;
      yield readMessage(schema, message, "internal");
    }
  }

  async #send({ output }: DescMethod, response: unknown): Promise<void> {
    const init = response as MessageInitShape<DescMessage>;
    const { maxSendBytes } = this.#limits;
    const parts = hasLongList(output, init)
      ? await encodeFrameInTurns(output, init, maxSendBytes)
      : encodeFrame(output, init, maxSendBytes);
    const { signal } = this.context;
    signal.throwIfAborted();
    this.#stream.respond(answerHeaders);
    if (!this.#stream.write(parts)) await abortable(this.#stream.drained(), signal);
  }

  #finish(trailers: Uint8Array): void {
    this.#inbox.leave();
    this.#hasFinished = true;
    if (this.#stream.headersSent) this.#stream.end(trailers);
    else this.#stream.respond(Buffer.concat([answerHeaders, trailers]), true);
  }
}

const answerHeaders = encodeHeaders({ ":status": "200", "content-type": "application/grpc" });
const okTrailers = encodeHeaders({ "grpc-status": "0" });

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

function metadataOf(fields: readonly Field[]): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of fields) if (!name.startsWith(":")) metadata.append(name, value);
  return metadata;
}
