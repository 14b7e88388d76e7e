import { once } from "node:events";
import type { ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import { codeOf, Fault, type FaultCode, messageOf } from "@slipway/fault/fault";
import type { CallOptions } from "@slipway/rpc/client";
import { writeParts } from "./frames.ts";
import { failureOfStatus } from "./grpc-status.ts";
import { ErrorCode } from "./http2/protocol.ts";

/** One call on its HTTP/2 stream, without the types of its messages. Leaving its scope cancels it unless it has ended. */
export class ClientCall implements Disposable {
  readonly #stream: ClientHttp2Stream;
  readonly #signal: AbortSignal | undefined;
  readonly #brokenBy: () => Fault | undefined;
  readonly #onAbort = (): void => this.cancel(abortFault(this.#signal?.reason));
  readonly #timer: NodeJS.Timeout | undefined;
  /** The headers with the status: trailers, or the only headers of a call that failed at once. */
  #status: IncomingHttpHeaders | undefined;
  #failure: unknown;
  #goOn: (() => void) | undefined;

  constructor(
    stream: ClientHttp2Stream,
    { signal, timeoutMs }: CallOptions,
    brokenBy: () => Fault | undefined,
  ) {
    this.#stream = stream;
    this.#signal = signal;
    this.#brokenBy = brokenBy;
    stream.on("response", (headers) => {
      const answered = headers[":status"];
      if (headers["grpc-status"] !== undefined) this.#status = headers;
      else if (answered !== 200)
        this.cancel(
          new Fault(httpCodes[answered ?? 0] ?? "unknown", `grpc: unexpected HTTP status ${answered}`),
        );
    });
    stream.on("trailers", (headers) => (this.#status = headers));
    stream.on("drain", () => this.#goOn?.());
    stream.on("close", () => this.#goOn?.());
    // What it means shows when the answers are read.
    stream.on("error", () => {});
    if (timeoutMs !== undefined) {
      this.#timer = setTimeout(() => this.cancel(deadlineFault()), Math.min(timeoutMs, 2 ** 31 - 1));
    }
    if (signal?.aborted) this.#onAbort();
    else signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get isOver(): boolean {
    return this.#stream.destroyed || this.#stream.closed || this.#status !== undefined;
  }

  /** The answers' bytes. They are not asked for faster than they are taken. */
  bytes(): AsyncIterable<Uint8Array> {
    return this.#stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
  }

  /** Sends a message's parts. Resolves when the server can take more. */
  async write(parts: readonly Uint8Array[]): Promise<void> {
    if (this.isOver) return;
    if (!writeParts(this.#stream, parts)) await new Promise<void>((resolve) => (this.#goOn = resolve));
  }

  finishSending(): void {
    if (!this.#stream.destroyed) this.#stream.end();
  }

  /** Waits for the status. @throws {Fault} unless it is "ok" */
  async ended(): Promise<void> {
    if (this.#status === undefined && !this.#stream.destroyed) {
      // The body is over and no trailers came with it; closing settles which of the two it is.
      const closed = once(this.#stream, "close");
      this.#stream.close();
      await closed;
    }
    const failure =
      this.#failure ?? (this.#status ? failureOfStatus(this.#status) : this.failureOf(undefined));
    if (failure !== undefined) throw failure;
  }

  /** Ends the call early; `reason` is what its reader gets to see. */
  cancel(reason: unknown): void {
    if (this.#stream.destroyed) return;
    this.#failure ??= reason;
    this.#stream.close(ErrorCode.cancel);
    this.#stream.destroy();
  }

  /** Why reading failed: what ended the call early, the server's status, the broken connection, or `error`. */
  failureOf(error: unknown): unknown {
    if (this.#failure !== undefined) return this.#failure;
    if (error instanceof Fault) return error;
    const answered = this.#status && failureOfStatus(this.#status);
    if (answered) return answered;
    const broken = this.#brokenBy();
    if (broken) return broken;
    const { rstCode } = this.#stream;
    const code = resetCodes[rstCode];
    if (code !== undefined) return new Fault(code, `grpc: the server reset the call (${rstCode})`);
    return new Fault("unavailable", "grpc: the connection closed before the answer", { cause: error });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#onAbort);
    if (this.#status === undefined) this.cancel(new Fault("canceled", "context canceled"));
    else if (!this.#stream.writableEnded) this.#stream.close();
    // Node sends empty frames for ever when a stream is closed whose end is still on its way: that one closes by itself.
    else this.#stream.resume();
  }
}

function abortFault(reason: unknown): Fault {
  if (reason instanceof Fault) return reason;
  if (codeOf(reason) === "deadline_exceeded") return deadlineFault();
  const said = reason instanceof Error && reason.name === "AbortError" ? undefined : messageOf(reason);
  return new Fault("canceled", "context canceled", said === undefined ? {} : { cause: reason });
}

function deadlineFault(): Fault {
  return new Fault("deadline_exceeded", "context deadline exceeded");
}

/** https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md */
const httpCodes: Readonly<Record<number, FaultCode>> = {
  400: "internal",
  401: "unauthenticated",
  403: "permission_denied",
  404: "unimplemented",
  429: "unavailable",
  502: "unavailable",
  503: "unavailable",
  504: "unavailable",
};

/** https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#errors */
const resetCodes: Readonly<Record<number, FaultCode>> = {
  [ErrorCode.protocolError]: "internal",
  [ErrorCode.internalError]: "internal",
  [ErrorCode.flowControlError]: "internal",
  [ErrorCode.refusedStream]: "unavailable",
  [ErrorCode.enhanceYourCalm]: "resource_exhausted",
  [ErrorCode.inadequateSecurity]: "permission_denied",
};
