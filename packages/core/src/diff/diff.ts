import type { Descriptor } from "@slipway/oci/descriptor";
import type { Any } from "../any.ts";
import type { Labels } from "../labels.ts";
import type { Mount } from "../mounts/mount.ts";

/** Applies layers. Defined by containerd's core/diff/diff.go. */
export interface Applier {
  /**
   * Reads the blob, decompresses it and applies it onto `mounts`.
   * @returns the descriptor of the uncompressed layer: its digest is the diffID.
   */
  apply(layer: Descriptor, mounts: readonly Mount[], options?: ApplyOptions): Promise<Descriptor>;
}

export interface ApplyOptions {
  /** For stream processors, by media type. */
  readonly payloads?: Readonly<Record<string, Any>>;
  /** Wait until the file system has written everything. */
  readonly syncFs?: boolean;
  readonly signal?: AbortSignal;
}

/** Makes layers. */
export interface Comparer {
  /** Stores the difference between two sets of mounts as a layer. @returns its descriptor. */
  compare(lower: readonly Mount[], upper: readonly Mount[], options?: CompareOptions): Promise<Descriptor>;
}

export interface CompareOptions {
  readonly mediaType?: string;
  /** The ingest's name; a random one unless told. */
  readonly reference?: string;
  readonly labels?: Labels;
  /** Later file times are set to this. */
  readonly sourceDateEpoch?: Date;
  readonly signal?: AbortSignal;
}
