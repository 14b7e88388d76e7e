import type { Writable } from "node:stream";
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { Fault } from "@slipway/fault/fault";
import { ownTurn } from "@slipway/fault/own-turn";
import { encodeMessage, lengthOf } from "./encode-message.ts";
import { piecesOf } from "./long-lists.ts";

const prefixBytes = 5;

/**
 * A message as gRPC sends it: one byte that says it is not compressed, four of length, and the message,
 * in parts.
 * @throws {Fault} `resource_exhausted` for a message above `maxBytes`
 */
export function encodeFrame<M extends DescMessage>(
  schema: M,
  init: MessageInitShape<M>,
  maxBytes: number,
): readonly Uint8Array[] {
  return framed(encodeMessage(schema, create(schema, init)), maxBytes);
}

/** As encodeFrame(): long lists are encoded in pieces, between which others have their turn. */
export async function encodeFrameInTurns<M extends DescMessage>(
  schema: M,
  init: MessageInitShape<M>,
  maxBytes: number,
): Promise<readonly Uint8Array[]> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (const piece of piecesOf(schema, init)) {
    if (length > 0) await ownTurn();
    const encoded = encodeMessage(schema, create(schema, piece));
    parts.push(...encoded);
    length += lengthOf(encoded);
    if (length > maxBytes) break;
  }
  return framed(parts, maxBytes);
}

function framed(parts: readonly Uint8Array[], maxBytes: number): readonly Uint8Array[] {
  const length = lengthOf(parts);
  if (length > maxBytes) {
    throw new Fault(
      "resource_exhausted",
      `grpc: trying to send message larger than max (${length} vs. ${maxBytes})`,
    );
  }
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(length, 1);
  const [first = new Uint8Array(), ...rest] = parts;
  // A part less to write.
  return first.length < smallBytes ? [Buffer.concat([prefix, first]), ...rest] : [prefix, ...parts];
}
const smallBytes = 4 * 1024;

/** Writes a message's parts at once: one system call, one awakening of the peer. @returns as `stream.write` */
export function writeParts(stream: Writable, parts: readonly Uint8Array[]): boolean {
  let more = true;
  stream.cork();
  for (const part of parts) more = stream.write(part);
  stream.uncork();
  return more;
}

/** Cuts a stream of bytes into messages, which have memory of their own. */
export class Deframer {
  readonly #maxBytes: number;
  readonly #prefix = Buffer.alloc(prefixBytes);
  #prefixFilled = 0;
  #message: Buffer | undefined;
  #filled = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * @param onMessage called with each message that ends in this chunk
   * @throws {Fault} `resource_exhausted` for a message above `maxBytes`, `unimplemented` for a compressed one
   */
  push(chunk: Uint8Array, onMessage: (message: Uint8Array) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#prefixFilled < prefixBytes) {
        const part = chunk.subarray(at, at + prefixBytes - this.#prefixFilled);
        this.#prefix.set(part, this.#prefixFilled);
        this.#prefixFilled += part.length;
        at += part.length;
        if (this.#prefixFilled < prefixBytes) return;
      }
      const length = this.#message?.length ?? this.#announced();
      this.#message ??= length < smallBytes ? Buffer.allocUnsafe(length) : Buffer.allocUnsafeSlow(length);
      const missing = length - this.#filled;
      const part = at === 0 && chunk.length <= missing ? chunk : chunk.subarray(at, at + missing);
      this.#message.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < length) return;
      const message = this.#message;
      this.#message = undefined;
      this.#filled = 0;
      this.#prefixFilled = 0;
      onMessage(message);
    }
    // A message of no bytes has nothing left to wait for.
    if (this.#prefixFilled === prefixBytes && !this.#message && this.#announced() === 0) {
      this.#prefixFilled = 0;
      onMessage(new Uint8Array());
    }
  }

  /** To be called when the bytes are over. @throws {Fault} `internal` for a message that was cut off */
  end(): void {
    if (this.#prefixFilled > 0) throw new Fault("internal", "grpc: the stream ended inside a message");
  }

  #announced(): number {
    if (this.#prefix[0] !== 0)
      throw new Fault("unimplemented", "grpc: compressed messages are not supported");
    const length = this.#prefix.readUInt32BE(1);
    if (length <= this.#maxBytes) return length;
    throw new Fault(
      "resource_exhausted",
      `grpc: received message larger than max (${length} vs. ${this.#maxBytes})`,
    );
  }
}

/** The messages of a stream of bytes. @throws {Fault} as Deframer does */
export async function* unframe(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const deframer = new Deframer(maxBytes);
  for await (const chunk of source) {
    const messages: Uint8Array[] = [];
    deframer.push(chunk, (message) => messages.push(message));
    yield* messages;
  }
  deframer.end();
}
