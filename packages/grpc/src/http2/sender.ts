import { emptyTable } from "./encode-headers.ts";
import type { Output } from "./output.ts";
import {
  ConnectionError,
  defaultFrameBytes,
  defaultWindowBytes,
  encodeFrame,
  encodeFrameHeader,
  ErrorCode,
  Flag,
  FrameType,
  largestWindowBytes,
  protocolError,
} from "./protocol.ts";
import type { ServerStream } from "./server-stream.ts";

/** From here on data waits for the client. */
const maxWaitingBytes = 1024 * 1024;
/** What one stream sends before it is the next one's turn. */
const turnBytes = 64 * 1024;
/** HPACK's default. */
const tableBytes = 4096;

/** Sends what streams have to send, in turns, as far as the client's windows and its reading let through. */
export class Sender {
  /** What a new stream may be sent, in bytes. */
  streamWindowBytes = defaultWindowBytes;
  readonly #output: Output;
  readonly #onSent: (stream: ServerStream) => void;
  /** Streams that have something to send and may. */
  readonly #ready = new Set<ServerStream>();
  #windowBytes = defaultWindowBytes;
  #frameBytes = defaultFrameBytes;
  #tableShrank = false;

  /** @param onSent called when a stream's last frame is on its way */
  constructor(output: Output, onSent: (stream: ServerStream) => void) {
    this.#output = output;
    this.#onSent = onSent;
  }

  send(stream: ServerStream): void {
    this.#ready.add(stream);
    this.pump();
  }

  sendHeaders(stream: ServerStream, block: Uint8Array, isLast: boolean): void {
    const whole = this.#tableShrank ? Buffer.concat([emptyTable, block]) : block;
    this.#tableShrank = false;
    const last = isLast ? Flag.endStream : 0;
    for (let at = 0; at === 0 || at < whole.length; at += defaultFrameBytes) {
      const part = whole.subarray(at, at + defaultFrameBytes);
      const end = at + defaultFrameBytes >= whole.length ? Flag.endHeaders : 0;
      const [type, flags] = at === 0 ? [FrameType.headers, end | last] : [FrameType.continuation, end];
      this.#output.push(encodeFrame(type, flags, stream.id, part));
    }
    if (isLast) this.#onSent(stream);
  }

  forget(stream: ServerStream): void {
    this.#ready.delete(stream);
  }

  /** Sends what may be sent by now. */
  pump(): void {
    for (const stream of this.#ready) {
      if (this.#output.waitingBytes > maxWaitingBytes) return;
      this.#ready.delete(stream);
      if (stream.isClosed) continue;
      const isBlocked = !this.#sendTurn(stream);
      if (stream.waitingBytes === 0) {
        if (stream.trailers) this.sendHeaders(stream, stream.trailers, true);
        continue;
      }
      // One that waits for its own window comes back with it; for the connection's, all wait.
      if (stream.sendWindowBytes > 0) this.#ready.add(stream);
      if (isBlocked && this.#windowBytes <= 0) return;
    }
  }

  /** @throws {ConnectionError} for a window that is larger than windows may be */
  addWindow(bytes: number): void {
    this.#windowBytes = checked(this.#windowBytes + bytes);
    this.pump();
  }

  /** A setting of the client's; `streams` are those that are open. */
  setStreamWindow(bytes: number, streams: Iterable<ServerStream>): void {
    const more = checked(bytes) - this.streamWindowBytes;
    this.streamWindowBytes = bytes;
    for (const stream of streams) {
      stream.sendWindowBytes = checked(stream.sendWindowBytes + more);
      if (stream.waitingBytes > 0 && stream.sendWindowBytes > 0) this.#ready.add(stream);
    }
  }

  /** A setting of the client's. Larger frames than these would let one stream keep the others waiting. */
  setFrameBytes(bytes: number): void {
    if (bytes < defaultFrameBytes || bytes > 2 ** 24 - 1) throw protocolError("a wrong frame size");
    this.#frameBytes = Math.min(bytes, turnBytes);
  }

  /** A setting of the client's. */
  setTable(bytes: number): void {
    if (bytes < tableBytes) this.#tableShrank = true;
  }

  /** @returns false when a window is closed */
  #sendTurn(stream: ServerStream): boolean {
    for (let sent = 0; sent < turnBytes && stream.waitingBytes > 0;) {
      const most = Math.min(this.#frameBytes, this.#windowBytes, stream.sendWindowBytes);
      if (most <= 0) return false;
      const bytes = Math.min(most, stream.waitingBytes);
      this.#windowBytes -= bytes;
      sent += bytes;
      this.#output.push(encodeFrameHeader(FrameType.data, 0, stream.id, bytes));
      for (const part of stream.take(bytes)) this.#output.push(part);
    }
    return true;
  }
}

function checked(windowBytes: number): number {
  if (windowBytes <= largestWindowBytes) return windowBytes;
  throw new ConnectionError(ErrorCode.flowControlError, "a window is too large");
}
