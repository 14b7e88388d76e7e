import { Fault } from "@slipway/fault/fault";

const prefixBytes = 5;

/** A message with its prefix: one byte that says it is not compressed, and four of length. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(prefixBytes + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, prefixBytes);
  return framed;
}

/**
 * The messages of a stream of bytes.
 * @throws {Fault} `resource_exhausted` for a message above `maxBytes`, `unimplemented` for a compressed one,
 * `internal` for one that was cut off
 */
export async function* unframe(
  source: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let held = 0;
  let wanted: number | undefined;
  const take = (bytes: number): Buffer => {
    const all =
      parts.length === 1 && parts[0]
        ? Buffer.from(parts[0].buffer, parts[0].byteOffset, held)
        : Buffer.concat(parts, held);
    held -= bytes;
    parts = held > 0 ? [all.subarray(bytes)] : [];
    return all.subarray(0, bytes);
  };
  for await (const chunk of source) {
    parts.push(chunk);
    held += chunk.length;
    for (;;) {
      if (wanted === undefined) {
        if (held < prefixBytes) break;
        const prefix = take(prefixBytes);
        if (prefix[0] !== 0) throw new Fault("unimplemented", "grpc: compressed messages are not supported");
        wanted = prefix.readUInt32BE(1);
        if (wanted > maxBytes) {
          throw new Fault(
            "resource_exhausted",
            `grpc: received message larger than max (${wanted} vs. ${maxBytes})`,
          );
        }
      }
      if (held < wanted) break;
      const message = take(wanted);
      wanted = undefined;
      yield message;
    }
  }
  if (held > 0 || wanted !== undefined)
    throw new Fault("internal", "grpc: the stream ended inside a message");
}
