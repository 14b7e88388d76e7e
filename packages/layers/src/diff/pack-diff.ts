import { createHash } from "node:crypto";
import { type Digest, digestFromHash } from "@slipway/oci/digest";
import type { Compression } from "@slipway/oci/media-types";
import { compress } from "../compression/compress.ts";
import { writeDiff, type WriteDiffOptions } from "./write-diff.ts";

const batchBytes = 1 << 18;

export interface PackedDiff {
  /** Of the tar. */
  readonly diffId: Digest;
  /** Of the blob, as the next. */
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Writes the difference of two trees as a layer's blob. Reads the trees synchronously: see FileThreads.diff(). */
export async function packDiff(
  options: WriteDiffOptions,
  compression: Compression,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<PackedDiff> {
  return await packTar(batches(writeDiff(options)), compression, write);
}

/** Writes a tar as a layer's blob. */
export async function packTar(
  tar: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  compression: Compression,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<PackedDiff> {
  const hash = createHash("sha256");
  const blobHash = createHash("sha256");
  let sizeBytes = 0;
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const bytes of tar) {
      hash.update(bytes);
      yield bytes;
    }
  }
  for await (const bytes of compress(hashed(), compression)) {
    blobHash.update(bytes);
    sizeBytes += bytes.length;
    await write(bytes);
  }
  return { diffId: digestFromHash(hash), digest: digestFromHash(blobHash), sizeBytes };
}

/** Headers are small: they go on together. */
function* batches(source: Iterable<Uint8Array>): Generator<Uint8Array> {
  let gathered: Uint8Array[] = [];
  let length = 0;
  for (const bytes of source) {
    gathered.push(bytes);
    length += bytes.length;
    if (length < batchBytes) continue;
    yield Buffer.concat(gathered);
    gathered = [];
    length = 0;
  }
  yield Buffer.concat(gathered);
}
