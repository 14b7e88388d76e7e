import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { type Digest, digestFromHash } from "@slipway/oci/digest";
import { writeFully } from "../files/write-fully.ts";
import { type AheadImage, UnpackAhead } from "./unpack-ahead.ts";

export interface IngestBlobOptions {
  /** The ingest's data, which is there already up to `offset`. */
  readonly path: string;
  readonly offset: number;
  /** Of the digest. */
  readonly algorithm: string;
  /** The new file that the blob, a layer, becomes an image in. */
  readonly image?: string;
}

export interface IngestedBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Nothing when it was not asked for, or the blob is no layer. */
  readonly image?: AheadImage;
}

const pieceBytes = 1 << 18;

/**
 * Stores a blob's bytes in one pass with all that is to be done to them: they are written and hashed, and unpacked for
 * whoever is going to apply them. With synchronous calls: meant for a thread. What goes wrong with the image does not hurt
 * the blob.
 */
export async function ingestBlob(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { path, offset, algorithm, image }: IngestBlobOptions,
): Promise<IngestedBlob> {
  const fd = openSync(path, "r+");
  try {
    using unpacking = image === undefined ? undefined : new UnpackAhead(image);
    const hash = createHash(algorithm);
    for (const piece of stored(fd, offset)) {
      hash.update(piece);
      unpacking?.write(piece);
    }
    let at = offset;
    for await (const piece of bytes) {
      writeFully(fd, piece, at);
      at += piece.length;
      hash.update(piece);
      unpacking?.write(piece);
    }
    const made = unpacking?.finish();
    return { digest: digestFromHash(hash, algorithm), sizeBytes: at, ...(made ? { image: made } : {}) };
  } finally {
    closeSync(fd);
  }
}

function* stored(fd: number, length: number): Generator<Uint8Array> {
  if (length === 0) return;
  const buffer = Buffer.allocUnsafeSlow(pieceBytes);
  for (let at = 0; at < length;) {
    const read = readSync(fd, buffer, 0, Math.min(pieceBytes, length - at), at);
    if (read === 0) throw new Error(`the ingest ends at ${at}, before its ${length} bytes`);
    yield buffer.subarray(0, read);
    at += read;
  }
}
