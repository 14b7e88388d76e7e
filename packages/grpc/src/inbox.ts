import { Deframer } from "./frames.ts";
import type { ServerStream, StreamReader } from "./http2/server-stream.ts";

/** While so many messages wait for the handler, the client waits for us. */
const maxWaiting = 2;

/** The messages that a client sends on its stream, taken one by one. */
export class Inbox implements StreamReader {
  readonly #stream: ServerStream;
  readonly #deframer: Deframer;
  readonly #onClose: () => void;
  #waiting: Uint8Array[] = [];
  readonly #take = (message: Uint8Array): unknown => this.#waiting.push(message);
  #over: { readonly failure?: unknown } | undefined;
  #wake: () => void = () => {};

  /** @param onClose called when nothing goes either way any more */
  constructor(stream: ServerStream, maxBytes: number, onClose: () => void) {
    this.#stream = stream;
    this.#deframer = new Deframer(maxBytes);
    this.#onClose = onClose;
    stream.reader = this;
  }

  data(bytes: Uint8Array): void {
    if (!this.#over) {
      try {
        this.#deframer.push(bytes, this.#take);
      } catch (failure) {
        this.#over = { failure };
      }
    }
    if (this.#waiting.length < maxWaiting) this.#stream.credit();
    this.#wake();
  }

  end(): void {
    try {
      if (!this.#over) this.#deframer.end();
      this.#over ??= {};
    } catch (failure) {
      this.#over ??= { failure };
    }
    this.#wake();
  }

  close(): void {
    this.leave();
    this.#onClose();
  }

  /** The next message; nothing when there are no more. @throws {Fault} as Deframer does */
  async next(): Promise<Uint8Array | undefined> {
    while (this.#waiting.length === 0) {
      if (this.#over?.failure) throw this.#over.failure;
      if (this.#over) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const message = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#stream.credit();
    return message;
  }

  /** No more is wanted: what still comes is dropped. */
  leave(): void {
    this.#over ??= {};
    this.#waiting = [];
    this.#wake();
  }
}
