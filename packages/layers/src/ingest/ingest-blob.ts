import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { type Digest, digestFromHash } from "@slipway/oci/digest";
import { writeFully } from "../files/write-fully.ts";
import type { AheadTar } from "./ahead-tar.ts";
import { TarAhead } from "./tar-ahead.ts";

export interface IngestBlobOptions {
  /** The ingest's data, which is there already up to `offset`. */
  readonly path: string;
  readonly offset: number;
  /** Of the digest. */
  readonly algorithm: string;
  /** What the blob, a layer, is inflated into for its image. */
  readonly tar?: AheadTar;
}

export interface StoredBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

const pieceBytes = 1 << 18;

/**
 * Stores a blob's bytes in one pass with all that is to be done to them: they are written and hashed, and a layer is
 * inflated for whoever is going to apply it. With synchronous calls: meant for a thread. What goes wrong with the layer
 * does not hurt the blob.
 */
export async function ingestBlob(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { path, offset, algorithm, tar }: IngestBlobOptions,
): Promise<StoredBlob> {
  const fd = openSync(path, "r+");
  try {
    using ahead = tar && new TarAhead(tar);
    const hash = createHash(algorithm);
    for (const piece of stored(fd, offset)) {
      hash.update(piece);
      ahead?.write(piece);
    }
    let at = offset;
    for await (const piece of bytes) {
      writeFully(fd, piece, at);
      at += piece.length;
      hash.update(piece);
      ahead?.write(piece);
    }
    ahead?.end();
    return { digest: digestFromHash(hash, algorithm), sizeBytes: at };
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
