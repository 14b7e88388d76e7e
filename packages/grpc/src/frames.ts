import type { Writable } from "node:stream";
import {
  create,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { Fault } from "@slipway/fault/fault";

const prefixBytes = 5;
const noBytes = new Uint8Array();
/** From here on copying a field costs more than a second write: the encoder allocates four times its size. */
const largeFieldBytes = 4 * 1024;

/**
 * A message as gRPC sends it: one byte that says it is not compressed, four of length, the message. A large field of
 * bytes is not copied but follows as a buffer of its own: the order of fields is free on the wire.
 * @throws {Fault} `resource_exhausted` for a message above `maxBytes`
 */
export function encodeFrame<M extends DescMessage>(
  schema: M,
  init: MessageInitShape<M>,
  maxBytes: number,
): readonly Uint8Array[] {
  const parts = batchesOf(schema, create(schema, init)).flatMap((message) => encodeParts(schema, message));
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length > maxBytes) {
    throw new Fault(
      "resource_exhausted",
      `grpc: trying to send message larger than max (${length} vs. ${maxBytes})`,
    );
  }
  const prefix = Buffer.alloc(prefixBytes);
  prefix.writeUInt32BE(length, 1);
  const [first = noBytes, ...rest] = parts;
  return first.length < largeFieldBytes ? [Buffer.concat([prefix, first]), ...rest] : [prefix, ...parts];
}

/**
 * A message with a long list as several with a part of it each: their bytes, one after the other, are its own. In one
 * piece the encoder doubles its buffer and copies until it holds the megabytes of 500 containers (bench/api.ts).
 */
function batchesOf<M extends DescMessage>(schema: M, message: MessageShape<M>): readonly MessageShape<M>[] {
  for (const { fieldKind, localName } of schema.fields) {
    if (fieldKind !== "list") continue;
    const list = (message as Readonly<Record<string, unknown>>)[localName] as readonly unknown[];
    if (list.length <= batchLength) continue;
    const batches: MessageShape<M>[] = [{ ...message, [localName]: list.slice(0, batchLength) }];
    for (let at = batchLength; at < list.length; at += batchLength) {
      const init = { [localName]: list.slice(at, at + batchLength) } as MessageInitShape<M>;
      batches.push(create(schema, init));
    }
    return batches;
  }
  return [message];
}
const batchLength = 16;

function encodeParts<M extends DescMessage>(schema: M, message: MessageShape<M>): readonly Uint8Array[] {
  const large = largeField(schema, message);
  if (!large) return [toBinary(schema, message)];
  const small = toBinary(schema, { ...message, [large.name]: noBytes });
  // A small one goes with the frame's prefix: a part less to write.
  return [Buffer.concat([small, large.head]), large.bytes];
}

function largeField(
  schema: DescMessage,
  message: object,
): { readonly name: string; readonly head: Uint8Array; readonly bytes: Uint8Array } | undefined {
  for (const { fieldKind, localName, number, oneof } of schema.fields) {
    if (fieldKind !== "scalar" || oneof) continue;
    const bytes = (message as Readonly<Record<string, unknown>>)[localName];
    if (!(bytes instanceof Uint8Array) || bytes.length < largeFieldBytes) continue;
    const head = new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(bytes.length).finish();
    return { name: localName, head, bytes };
  }
  return undefined;
}

/** Writes a message's parts at once: one system call, one awakening of the peer. @returns as `stream.write` */
export function writeParts(stream: Writable, parts: readonly Uint8Array[]): boolean {
  let more = true;
  stream.cork();
  for (const part of parts) more = stream.write(part);
  stream.uncork();
  return more;
}

/** Cuts a stream of bytes into messages. A message of many chunks is copied once, one inside a chunk not at all. */
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
   * The messages that end in this chunk.
   * @throws {Fault} `resource_exhausted` for a message above `maxBytes`, `unimplemented` for a compressed one
   */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#prefixFilled < prefixBytes) {
        const part = chunk.subarray(at, at + prefixBytes - this.#prefixFilled);
        this.#prefix.set(part, this.#prefixFilled);
        this.#prefixFilled += part.length;
        at += part.length;
        if (this.#prefixFilled < prefixBytes) return;
      }
      const rest = chunk.length - at;
      const length = this.#message?.length ?? this.#announced();
      if (!this.#message && rest >= length) {
        this.#prefixFilled = 0;
        yield chunk.subarray(at, (at += length));
        continue;
      }
      this.#message ??= Buffer.allocUnsafeSlow(length);
      const part = chunk.subarray(at, at + length - this.#filled);
      this.#message.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < length) return;
      const message = this.#message;
      this.#message = undefined;
      this.#filled = 0;
      this.#prefixFilled = 0;
      yield message;
    }
    // A message of no bytes has nothing left to wait for.
    if (this.#prefixFilled === prefixBytes && !this.#message && this.#announced() === 0) {
      this.#prefixFilled = 0;
      yield new Uint8Array();
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
  for await (const chunk of source) yield* deframer.push(chunk);
  deframer.end();
}
