import type { Field } from "./header-decoder.ts";
import { callWindowBytes } from "../windows.ts";

/** Who takes what a client sends on a stream. */
export interface StreamReader {
  /** @param bytes good until the call returns */
  data(bytes: Uint8Array): void;
  /** The client has sent all. */
  end(): void;
  /** Nothing goes either way any more. */
  close(): void;
}

/** What a stream needs of its connection. */
export interface StreamSender {
  /** Sends what waits on the stream as far as it may be sent now. */
  send(stream: ServerStream): void;
  sendHeaders(stream: ServerStream, block: Uint8Array, isLast: boolean): void;
  /** Lets the client send so many more bytes. */
  sendCredit(stream: ServerStream, bytes: number): void;
}

/** One call's stream, on the server's side. */
export class ServerStream {
  readonly id: number;
  readonly fields: readonly Field[];
  /** What the client may still be sent, in bytes; less than nothing after it made its window smaller. */
  sendWindowBytes: number;
  reader: StreamReader | undefined;
  #receiveWindowBytes = callWindowBytes;
  readonly #sender: StreamSender;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #trailers: Uint8Array | undefined;
  #headersSent = false;
  #clientIsDone = false;
  #isClosed = false;
  #drained: (() => void)[] = [];

  constructor(id: number, fields: readonly Field[], sendWindowBytes: number, sender: StreamSender) {
    this.id = id;
    this.fields = fields;
    this.sendWindowBytes = sendWindowBytes;
    this.#sender = sender;
  }

  get headersSent(): boolean {
    return this.#headersSent;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get clientIsDone(): boolean {
    return this.#clientIsDone;
  }

  /** Sends headers; last ones end the stream. */
  respond(block: Uint8Array, isLast = false): void {
    if (this.#isClosed || this.#headersSent) return;
    this.#headersSent = true;
    this.#sender.sendHeaders(this, block, isLast);
  }

  /** @returns whether all of it is on its way: else wait until it has drained */
  write(parts: readonly Uint8Array[]): boolean {
    if (this.#isClosed) return true;
    for (const part of parts) {
      if (part.length === 0) continue;
      this.#waiting.push(part);
      this.#waitingBytes += part.length;
    }
    this.#sender.send(this);
    return this.#waitingBytes === 0;
  }

  /** Resolves when all that was written is on its way, or never will be. */
  async drained(): Promise<void> {
    if (this.#waitingBytes > 0 && !this.#isClosed) {
      await new Promise<void>((resolve) => this.#drained.push(resolve));
    }
  }

  /** Ends the stream after what was written. */
  end(trailers: Uint8Array): void {
    if (this.#isClosed) return;
    this.#trailers = trailers;
    this.#sender.send(this);
  }

  /** The reader has room for more. */
  credit(): void {
    const bytes = callWindowBytes - this.#receiveWindowBytes;
    if (bytes < callWindowBytes / 2 || this.#clientIsDone) return;
    this.#receiveWindowBytes += bytes;
    this.#sender.sendCredit(this, bytes);
  }

  // What the connection calls:

  /** @returns false when the client sent more than it may */
  receive(bytes: Uint8Array, countedBytes: number): boolean {
    this.#receiveWindowBytes -= countedBytes;
    if (this.#receiveWindowBytes < 0) return false;
    if (this.#isClosed) this.credit();
    else if (bytes.length > 0) this.reader?.data(bytes);
    return true;
  }

  clientDone(): void {
    if (this.#clientIsDone) return;
    this.#clientIsDone = true;
    this.reader?.end();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#wake();
    this.reader?.close();
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Set when the stream is to end, which it does once nothing waits. */
  get trailers(): Uint8Array | undefined {
    return this.#trailers;
  }

  /** The next so many bytes of what waits, in parts. */
  take(bytes: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    let left = bytes;
    while (left > 0) {
      const [first] = this.#waiting;
      if (!first) break;
      if (first.length <= left) {
        this.#waiting.shift();
        taken.push(first);
        left -= first.length;
      } else {
        taken.push(first.subarray(0, left));
        this.#waiting[0] = first.subarray(left);
        left = 0;
      }
    }
    this.#waitingBytes -= bytes;
    this.sendWindowBytes -= bytes;
    if (this.#waitingBytes === 0) this.#wake();
    return taken;
  }

  #wake(): void {
    for (const resolve of this.#drained.splice(0)) resolve();
  }
}
