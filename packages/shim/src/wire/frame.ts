/** Kinds of ttrpc messages: https://github.com/containerd/ttrpc/blob/main/PROTOCOL.md */
export const MessageType = { request: 1, response: 2 } as const;

export interface Frame {
  readonly streamId: number;
  readonly type: number;
  readonly data: Uint8Array;
}

const HEADER_BYTES = 10;
const MAX_DATA_BYTES = 4 << 20;

export function encodeFrame({ streamId, type, data }: Frame): Uint8Array {
  const frame = Buffer.allocUnsafe(HEADER_BYTES + data.length);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(streamId, 4);
  frame.writeUInt8(type, 8);
  frame.writeUInt8(0, 9);
  frame.set(data, HEADER_BYTES);
  return frame;
}

/** Cuts what a socket delivers into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that are complete with `chunk`. Throws for one that is larger than ttrpc allows. */
  *push(chunk: Buffer): Generator<Frame> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= HEADER_BYTES) {
      const size = this.#rest.readUInt32BE(0);
      if (size > MAX_DATA_BYTES)
        throw new RangeError(`Cannot read a message of ${size} bytes: 4 MiB are the limit`);
      const end = HEADER_BYTES + size;
      if (this.#rest.length < end) return;
      const data = this.#rest.subarray(HEADER_BYTES, end);
      const frame = { streamId: this.#rest.readUInt32BE(4), type: this.#rest.readUInt8(8), data };
      this.#rest = this.#rest.subarray(end);
      yield frame;
    }
  }
}
