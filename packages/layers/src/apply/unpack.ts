import { createHash } from "node:crypto";
import { type Digest, digestFromHash } from "@slipway/oci/digest";
import { applyLayer, type ApplyLayerOptions } from "./apply.ts";
import { inflate } from "../compression/inflate.ts";

export interface UnpackedLayer {
  /** Of the uncompressed tar. */
  readonly diffId: Digest;
  /** Of the uncompressed tar. */
  readonly sizeBytes: number;
}

/** Decompresses a layer and applies it to `root`. Calls the file system synchronously: see unpackInWorker(). */
export async function unpackLayer(
  blob: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  root: string,
  options: ApplyLayerOptions,
): Promise<UnpackedLayer> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of inflate(blob)) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      yield chunk;
    }
  }
  await applyLayer(counted(), root, options);
  return { diffId: digestFromHash(hash), sizeBytes };
}
