import type { ServerHttp2Stream } from "node:http2";
import { Deframer } from "./frames.ts";

/** While so many messages wait for the handler, the client waits for us. */
const maxWaiting = 2;

/**
 * The messages that a client sends on its stream, taken one by one. Cheaper for a unary call than the stream's own
 * iterator, and it leaves the stream alone: the answer goes the other way.
 */
export class Inbox {
  readonly #stream: ServerHttp2Stream;
  #waiting: Uint8Array[] = [];
  #over: { readonly failure?: unknown } | undefined;
  #wake: () => void = () => {};

  constructor(stream: ServerHttp2Stream, maxBytes: number) {
    this.#stream = stream;
    const deframer = new Deframer(maxBytes);
    stream.on("data", (chunk: Buffer) => {
      if (this.#over) return;
      try {
        this.#waiting.push(...deframer.push(chunk));
      } catch (failure) {
        this.#over = { failure };
      }
      if (this.#waiting.length >= maxWaiting) stream.pause();
      this.#wake();
    });
    stream.on("end", () => {
      try {
        deframer.end();
        this.#over ??= {};
      } catch (failure) {
        this.#over ??= { failure };
      }
      this.#wake();
    });
    stream.on("close", () => this.close());
  }

  /** The next message; nothing when there are no more. @throws {Fault} as Deframer does */
  async next(): Promise<Uint8Array | undefined> {
    while (this.#waiting.length === 0) {
      if (this.#over?.failure) throw this.#over.failure;
      if (this.#over) return undefined;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    const message = this.#waiting.shift();
    if (this.#waiting.length === 0) this.#stream.resume();
    return message;
  }

  /** No more is wanted: what still comes is dropped, because an unread stream would never close. */
  close(): void {
    this.#over ??= {};
    this.#waiting = [];
    this.#stream.resume();
    this.#wake();
  }
}
