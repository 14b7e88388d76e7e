import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip, createZstdCompress } from "node:zlib";
import type { Compression } from "@slipway/oci/media-types";

const chunkSize = 1 << 18;

/** Compresses a stream. */
export async function* compress(
  source: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Uint8Array> {
  if (compression === "none") {
    yield* source;
    return;
  }
  const deflate = compression === "gzip" ? createGzip({ chunkSize }) : createZstdCompress({ chunkSize });
  const fed = pipeline(Readable.from(source, { objectMode: false }), deflate).catch(() => {
    // The reader below gets the error.
  });
  try {
    for await (const chunk of deflate) yield chunk as Uint8Array;
  } finally {
    deflate.destroy();
    await fed;
  }
}
