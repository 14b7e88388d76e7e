import type { ContentProvider } from "@slipway/core/content";
import { Fault } from "@slipway/fault/fault";
import { readIndex, readManifest } from "@slipway/images/read";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Digest } from "@slipway/oci/digest";
import { isIndex, isManifest } from "@slipway/oci/media-types";

const deepestIndex = 4;

/**
 * The manifest below a target that has a wanted digest, or whose config has it. What is not here or cannot be read has no
 * parts: a lookup must not fail because of an image that is not meant.
 */
export async function findPart(
  content: Pick<ContentProvider, "read">,
  target: Descriptor,
  isWanted: (digest: Digest) => boolean,
  depth = 0,
): Promise<Descriptor | undefined> {
  if (isManifest(target.mediaType)) {
    const manifest = await readOrUndefined(readManifest(content, target));
    return manifest && isWanted(manifest.config.digest) ? target : undefined;
  }
  if (!isIndex(target.mediaType) || depth >= deepestIndex) return undefined;
  const { manifests = [] } = (await readOrUndefined(readIndex(content, target))) ?? {};
  const own = manifests.find(({ digest }) => isWanted(digest));
  if (own) return own;
  for (const one of manifests) {
    const found = await findPart(content, one, isWanted, depth + 1);
    if (found) return found;
  }
  return undefined;
}

async function readOrUndefined<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}
