import { newRing, type SharedRing } from "../threads/byte-ring.ts";

const hashBytes = 32;

/** A layer's tar on its way into an image: between the thread that makes the tar and the one that makes its index. */
export interface AheadTar {
  /** The image's file. */
  readonly path: string;
  /** Its bytes. Before they end they are in the file, and the hash is there. */
  readonly ring: SharedRing;
  /** Its sha256. */
  readonly hash: SharedArrayBuffer;
}

export function newAheadTar(path: string, ringBytes: number): AheadTar {
  return { path, ring: newRing(ringBytes), hash: new SharedArrayBuffer(hashBytes) };
}
