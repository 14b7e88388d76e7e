import { createHash } from "node:crypto";
import type { ContentManager, ContentProvider, ReadOptions } from "@slipway/core/content";
import { Fault, hasCode } from "@slipway/fault/fault";
import { algorithmOf, type Digest, digestFromHash } from "@slipway/oci/digest";

/** A store that may take a damaged blob out of use. */
export type BlobReader = Pick<ContentProvider, "read"> & Pick<Partial<ContentManager>, "setAside">;

/**
 * All of a blob, hashed as it passes. One that is not what its digest says is set aside, where the store can, so that the
 * next pull brings it again.
 * @throws {Fault} `data_loss` at its end
 */
export async function* verifiedBlob(
  content: BlobReader,
  digest: Digest,
  options: Pick<ReadOptions, "signal"> = {},
): AsyncGenerator<Uint8Array> {
  const hash = createHash(algorithmOf(digest));
  for await (const chunk of content.read(digest, options)) {
    hash.update(chunk);
    yield chunk;
  }
  const found = digestFromHash(hash, algorithmOf(digest));
  if (found === digest) return;
  await content.setAside?.(digest);
  throw new Fault(
    "data_loss",
    `blob ${digest} is damaged: its bytes have the digest ${found}: ${remedyOf(content)}`,
  );
}

/** A client cannot set blobs aside: the daemon does when it finds them. */
function remedyOf(content: BlobReader): string {
  const pull = "pull its image again";
  return content.setAside ? pull : `run "slipway image verify", then ${pull}`;
}

/**
 * Why work with a blob failed: because of the work, or because the blob is damaged, which is said instead.
 * @returns the error to throw
 */
export async function explainFailure(content: BlobReader, digest: Digest, error: unknown): Promise<unknown> {
  if (hasCode(error, "canceled", "not_found")) return error;
  try {
    for await (const chunk of verifiedBlob(content, digest)) void chunk;
    return error;
  } catch (damage) {
    return hasCode(damage, "data_loss") ? damage : error;
  }
}
