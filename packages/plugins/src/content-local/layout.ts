import { join } from "node:path";
import { algorithmOf, type Digest, digestOf, hexOf } from "@slipway/oci/digest";

/*
 * containerd's content store on the disk, defined by its plugins/content/local/store.go; each can open what the other
 * left:
 *
 *   blobs/sha256/HEX        a blob, mode 0444; its mtime is when it was committed, its atime when its labels changed
 *   ingest/SHA256-OF-REF/   ref, data, startedat, updatedat and, when it is known, total
 */

export function blobsFolder(root: string): string {
  return join(root, "blobs");
}

export function blobPath(root: string, digest: Digest): string {
  return join(root, "blobs", algorithmOf(digest), hexOf(digest));
}

export function ingestsFolder(root: string): string {
  return join(root, "ingest");
}

export function ingestFolder(root: string, ref: string): string {
  return join(root, "ingest", hexOf(digestOf(ref)));
}
