import {
  ConnectionError,
  defaultFrameBytes,
  ErrorCode,
  Flag,
  frameHeaderBytes,
  FrameType,
  preface,
} from "./protocol.ts";

export interface FrameSink {
  /**
   * Some of a stream's bytes, as they come: a frame of data may come in parts.
   * @param countedBytes what flow control counts
   */
  data(streamId: number, bytes: Uint8Array, countedBytes: number, isLast: boolean): void;
  /** Any other frame, whole. */
  frame(type: number, flags: number, streamId: number, payload: Uint8Array): void;
}

/** Cuts what a client sends into frames. Data is not copied, and not waited for. */
export class FrameParser {
  readonly #sink: FrameSink;
  readonly #header = Buffer.alloc(frameHeaderBytes);
  #prefaceLeft = preface.length;
  #headerFilled = 0;
  #type = 0;
  #flags = 0;
  #streamId = 0;
  /** Of the payload. */
  #left = 0;
  /** Of frames that are needed whole. */
  #payload: Buffer | undefined;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** @throws {ConnectionError} for what is not HTTP/2 */
  push(chunk: Uint8Array): void {
    let at = this.#passPreface(chunk);
    while (at < chunk.length) {
      if (this.#headerFilled < frameHeaderBytes) {
        const isWhole = this.#headerFilled === 0 && chunk.length - at >= frameHeaderBytes;
        if (isWhole) {
          this.#begin(chunk, at);
          this.#headerFilled = frameHeaderBytes;
          at += frameHeaderBytes;
        } else {
          const part = chunk.subarray(at, at + frameHeaderBytes - this.#headerFilled);
          this.#header.set(part, this.#headerFilled);
          this.#headerFilled += part.length;
          at += part.length;
          if (this.#headerFilled < frameHeaderBytes) return;
          this.#begin(this.#header, 0);
        }
        if (this.#left > 0) continue;
      }
      const part = chunk.subarray(at, at + this.#left);
      at += part.length;
      this.#left -= part.length;
      this.#take(part);
      if (this.#left === 0) this.#headerFilled = 0;
    }
  }

  #passPreface(chunk: Uint8Array): number {
    if (this.#prefaceLeft === 0) return 0;
    const expected = preface.subarray(preface.length - this.#prefaceLeft);
    const part = chunk.subarray(0, expected.length);
    if (!expected.subarray(0, part.length).equals(part)) {
      throw new ConnectionError(ErrorCode.protocolError, "the client does not speak HTTP/2");
    }
    this.#prefaceLeft -= part.length;
    return part.length;
  }

  #begin(bytes: Uint8Array, at: number): void {
    const byte = (index: number): number => bytes[at + index] ?? 0;
    this.#left = (byte(0) << 16) | (byte(1) << 8) | byte(2);
    this.#type = byte(3);
    this.#flags = byte(4);
    this.#streamId = ((byte(5) & 0x7f) << 24) | (byte(6) << 16) | (byte(7) << 8) | byte(8);
    if (this.#left > defaultFrameBytes) {
      throw new ConnectionError(ErrorCode.frameSizeError, "a frame is too long");
    }
    const isPlainData = this.#type === FrameType.data && (this.#flags & Flag.padded) === 0;
    this.#payload = isPlainData ? undefined : Buffer.allocUnsafe(this.#left);
  }

  #take(part: Uint8Array): void {
    const payload = this.#payload;
    const isEnd = this.#left === 0;
    if (!payload) {
      const isLast = isEnd && (this.#flags & Flag.endStream) !== 0;
      this.#sink.data(this.#streamId, part, part.length, isLast);
      return;
    }
    payload.set(part, payload.length - this.#left - part.length);
    if (!isEnd) return;
    this.#payload = undefined;
    if (this.#type !== FrameType.data) {
      this.#sink.frame(this.#type, this.#flags, this.#streamId, payload);
      return;
    }
    const isLast = (this.#flags & Flag.endStream) !== 0;
    this.#sink.data(this.#streamId, withoutPadding(payload), payload.length, isLast);
  }
}

/** The payload of a frame with padding. @throws {ConnectionError} for more padding than there is */
export function withoutPadding(payload: Uint8Array): Uint8Array {
  const padding = payload[0] ?? payload.length;
  if (padding >= payload.length) throw new ConnectionError(ErrorCode.protocolError, "padding is too long");
  return payload.subarray(1, payload.length - padding);
}
