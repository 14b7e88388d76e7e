import { join } from "node:path";
import { algorithmOf, type Digest, digestOf, hexOf } from "@slipway/oci/digest";

/*
 * containerd's content store on the disk, defined by its plugins/content/local/store.go; each can open what the other
 * left:
 *
 *   blobs/sha256/HEX        a blob, mode 0444; its mtime is when it was committed, its atime when its labels changed
 *   ingest/SHA256-OF-REF/   ref, data, startedat, updatedat and, when it is known, total
 *
 * and, which containerd does not know:
 *
 *   damaged/sha256:HEX      what was a blob and is not what its digest says any more
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

export function damagedFolder(root: string): string {
  return join(root, "damaged");
}

export function damagedPath(root: string, digest: Digest): string {
  return join(damagedFolder(root), digest);
}
