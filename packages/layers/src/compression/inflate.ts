import { Fault, messageOf } from "@slipway/fault/fault";
import { gunzip, type Inflater, unzstd } from "@slipway/linux/inflate";
import type { Compression } from "@slipway/oci/media-types";
import { decompress, detectCompression, peek } from "./decompress.ts";

/**
 * As decompress(), with synchronous calls: meant for a worker thread. The pieces are good until the next is asked for.
 * @throws {Fault} `data_loss` when the stream is broken or cut off
 */
export async function* inflate(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { start, rest } = await peek(source, 10);
  const compression = detectCompression(start);
  using inflater = inflaterFor(compression);
  if (!inflater) {
    yield* decompress(rest);
    return;
  }
  const failed = (error: unknown): Fault =>
    new Fault("data_loss", `Cannot decompress ${compression}: ${messageOf(error)}`, { cause: error });
  for await (const chunk of rest) {
    const pieces = inflater.inflate(chunk);
    for (;;) {
      let next: IteratorResult<Uint8Array>;
      try {
        next = pieces.next();
      } catch (error) {
        throw failed(error);
      }
      if (next.done) break;
      yield next.value;
    }
  }
  if (!inflater.isComplete) throw failed(new Error("unexpected end of file"));
}

/** Nothing for what is not compressed, or when this Node keeps its libraries to itself. */
function inflaterFor(compression: Compression): Inflater | undefined {
  try {
    if (compression === "gzip") return gunzip();
    if (compression === "zstd") return unzstd();
  } catch {
    // The slower way is still a way.
  }
  return undefined;
}
