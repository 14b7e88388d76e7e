import { Fault } from "@slipway/fault/fault";

/** Kinds of messages: https://github.com/containerd/ttrpc/blob/main/PROTOCOL.md */
export const MessageType = { request: 1, response: 2, data: 3 } as const;
/** What a frame says besides its data, from the receiver's view. */
export const Flag = { remoteClosed: 1, remoteOpen: 2, noData: 4 } as const;

export interface Frame {
  readonly streamId: number;
  readonly type: number;
  readonly flags?: number;
  readonly data: Uint8Array;
}

/** A frame as it came; `excess` is the size of one that is larger than ttrpc allows, whose data was dropped. */
export interface ReceivedFrame extends Required<Frame> {
  readonly excess?: number;
}

const HEADER_BYTES = 10;
const MAX_DATA_BYTES = 4 << 20;
const nothing = Buffer.alloc(0);

/** @throws {Fault} `resource_exhausted` */
export function encodeFrame({ streamId, type, flags = 0, data }: Frame): Uint8Array {
  if (data.length > MAX_DATA_BYTES) throw tooLarge(data.length);
  const frame = Buffer.allocUnsafe(HEADER_BYTES + data.length);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(streamId, 4);
  frame.writeUInt8(type, 8);
  frame.writeUInt8(flags, 9);
  frame.set(data, HEADER_BYTES);
  return frame;
}

/** In ttrpc's words. */
export function tooLarge(bytes: number): Fault {
  return new Fault(
    "resource_exhausted",
    `message length ${bytes} exceed maximum message size of ${MAX_DATA_BYTES}`,
  );
}

/** Cuts what a socket delivers into frames. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Bytes of a too large frame that are still to be dropped. */
  #dropping = 0;

  /** The frames that are complete with `chunk`. */
  *push(chunk: Buffer): Generator<ReceivedFrame> {
    this.#chunks.push(this.#drop(chunk));
    this.#bytes += this.#chunks.at(-1)?.length ?? 0;
    while (this.#bytes >= HEADER_BYTES) {
      const header = this.#peekHeader();
      const length = header.readUInt32BE(0);
      const frame = {
        streamId: header.readUInt32BE(4),
        type: header.readUInt8(8),
        flags: header.readUInt8(9),
      };
      if (length > MAX_DATA_BYTES) {
        const rest = this.#take(this.#bytes).subarray(HEADER_BYTES);
        this.#dropping = length;
        const kept = this.#drop(rest);
        this.#chunks = [kept];
        this.#bytes = kept.length;
        yield { ...frame, data: nothing, excess: length };
        continue;
      }
      if (this.#bytes < HEADER_BYTES + length) return;
      yield { ...frame, data: this.#take(HEADER_BYTES + length).subarray(HEADER_BYTES) };
    }
  }

  #drop(chunk: Buffer): Buffer {
    const dropped = Math.min(this.#dropping, chunk.length);
    this.#dropping -= dropped;
    return chunk.subarray(dropped);
  }

  #peekHeader(): Buffer {
    const [first = nothing] = this.#chunks;
    if (first.length >= HEADER_BYTES) return first;
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? nothing;
  }

  // A large frame comes in many chunks: they are joined once, when all are here.
  #take(bytes: number): Buffer {
    const [first = nothing] = this.#chunks;
    const all = this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    this.#bytes -= bytes;
    this.#chunks = this.#bytes === 0 ? [] : [all.subarray(bytes)];
    return all.subarray(0, bytes);
  }
}
