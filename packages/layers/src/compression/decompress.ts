import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { Fault, messageOf } from "@slipway/fault/fault";
import type { Compression } from "@slipway/oci/media-types";

// Large, so that the thread which inflates is ahead of the thread that takes the bytes by something worth it.
const chunkSize = 1 << 18;

/** What the first bytes say of the compression. A zstd stream may begin with a skippable frame. */
export function detectCompression(start: Uint8Array): Compression {
  const [a, b, c, d] = start;
  if (a === 0x1f && b === 0x8b && c === 0x08) return "gzip";
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return "zstd";
  if (((a ?? 0) & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18) return "zstd";
  return "none";
}

/* Docker's classic image store unpacks these, too, so images of it may have them. No tar begins so. */
const foreignCompressions: readonly (readonly [name: string, hexStart: RegExp])[] = [
  ["xz", /^fd377a585a00/],
  ["bzip2", /^425a683[1-9](?:314159265359|177245385090)/],
  ["lz4", /^04224d18/],
];

/**
 * The compression of a stream that begins so.
 * @throws {Fault} `unimplemented` for a compression that is known and cannot be read
 */
export function compressionOf(start: Uint8Array): Compression {
  const hex = Buffer.from(start.subarray(0, 10)).toString("hex");
  const foreign = foreignCompressions.find(([, pattern]) => pattern.test(hex));
  if (foreign) {
    throw new Fault("unimplemented", `Cannot decompress ${foreign[0]}: only gzip and zstd can be read`);
  }
  return detectCompression(start);
}

/**
 * Decompresses what begins as gzip or zstd, and passes anything else on as it is.
 * @throws {Fault} `data_loss` when the stream is broken or cut off, `unimplemented` for xz, bzip2 and lz4
 */
export async function* decompress(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const { start, rest } = await peek(source, 10);
  const compression = compressionOf(start);
  if (compression === "none") {
    yield* rest;
    return;
  }
  const inflate =
    compression === "gzip"
      ? createGunzip({ chunkSize, highWaterMark: 2 * chunkSize } as object)
      : createZstdDecompress({ chunkSize, highWaterMark: 2 * chunkSize } as object);
  const fed = pipeline(Readable.from(rest, { objectMode: false }), inflate).catch(() => {
    // The reader below gets the error.
  });
  try {
    for await (const chunk of inflate) yield chunk as Uint8Array;
  } catch (error) {
    if (error instanceof Fault || !isInflateError(error)) throw error;
    throw new Fault("data_loss", `Cannot decompress ${compression}: ${messageOf(error)}`, { cause: error });
  } finally {
    inflate.destroy();
    await fed;
  }
}

function isInflateError(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^(?:Z_|ZSTD_|ERR_ZSTD|ERR_)/.test(String(error.code));
}

/** Takes at least `count` bytes, if there are so many, and gives the whole stream again. */
export async function peek(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  count: number,
): Promise<{ start: Uint8Array; rest: AsyncIterable<Uint8Array> }> {
  const iterator = Symbol.iterator in source ? source[Symbol.iterator]() : source[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  while (start.length < count) {
    const next = await iterator.next();
    if (next.done) break;
    start = Buffer.concat([start, next.value]);
  }
  async function* again(): AsyncGenerator<Uint8Array> {
    try {
      if (start.length > 0) yield start;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { start, rest: again() };
}
