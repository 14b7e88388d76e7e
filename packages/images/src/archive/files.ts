import { encodeHeader, paddingAfter } from "@slipway/layers/tar/encoder";
import type { Digest } from "@slipway/oci/digest";

/** A file of an archive, in its tar's bytes. */
export function* archiveFile(name: string, data: Uint8Array, mode = 0o444): Generator<Uint8Array> {
  yield encodeHeader({ type: "file", name, mode, sizeBytes: data.length });
  yield data;
  yield paddingAfter(data.length);
}

/** Where an image layout has a blob. */
export function blobPath(digest: Digest): string {
  return `blobs/${digest.replace(":", "/")}`;
}
