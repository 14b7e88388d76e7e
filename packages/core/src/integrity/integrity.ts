import type { Digest } from "@slipway/oci/digest";

/** Something stored that is not what it was when it was stored. */
export interface Damage {
  readonly kind: "blob" | "layer";
  /** Of the blob, or of the layer's tar: its diff id. */
  readonly digest: Digest;
  /** Where a layer is kept; empty for a blob. */
  readonly snapshotter: string;
  readonly reason: string;
}

export interface CheckedImage {
  readonly name: string;
  readonly damages: readonly Damage[];
}

/** Reads what is stored of images again, and compares it with the digests that it goes by. */
export interface IntegrityChecker {
  /**
   * The images of a namespace, each when it was read: all of them unless `names` has some. What several images have is
   * read once. A caller that leaves stops it.
   * @throws {Fault} `not_found` for a name that no image has
   */
  check(
    namespace: string,
    names: readonly string[],
    options?: { readonly signal?: AbortSignal },
  ): AsyncIterable<CheckedImage>;
}
