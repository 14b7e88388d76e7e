import type { Socket } from "node:net";
import { Fault } from "@slipway/fault/fault";

/**
 * Messages of one stream that nobody took yet. ttrpc has no flow control of its own, so a stream whose reader is slow
 * stops the connection, at most for a second: then the stream fails, as in Go, and its neighbours go on.
 */
export class Inbox {
  readonly #socket: Socket;
  #messages: Uint8Array[] = [];
  #end: { readonly error?: unknown } | undefined;
  #wake: (() => void) | undefined;
  #stalled: NodeJS.Timeout | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  push(message: Uint8Array): void {
    if (this.#end) return;
    this.#messages.push(message);
    if (this.#messages.length >= MAX_WAITING && !this.#stalled) {
      this.#socket.pause();
      this.#stalled = setTimeout(() => {
        this.end(new Fault("resource_exhausted", "ttrpc: stream buffer full"));
      }, STALL_MS);
    }
    this.#wake?.();
  }

  /** No more messages come. What is waiting is read first, unless there is an error. */
  end(error?: unknown): void {
    if (this.#end) return;
    this.#end = error === undefined ? {} : { error };
    if (error !== undefined) this.#messages = [];
    this.#flow();
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const message = this.#messages.shift();
      if (this.#messages.length === 0) this.#flow();
      if (message) {
        yield message;
      } else if (this.#end) {
        if (this.#end.error !== undefined) throw this.#end.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  #flow(): void {
    if (!this.#stalled) return;
    clearTimeout(this.#stalled);
    this.#stalled = undefined;
    this.#socket.resume();
  }
}
const MAX_WAITING = 64;
const STALL_MS = 1000;
