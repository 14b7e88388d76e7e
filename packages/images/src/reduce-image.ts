import type { ContentStore } from "@slipway/core/content";
import { Fault, hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Index } from "@slipway/oci/image";
import { isIndex, isManifest, mediaTypes } from "@slipway/oci/media-types";
import { formatPlatform, type Platform } from "@slipway/oci/platform";
import { childLabels } from "./child-labels.ts";
import { filterManifests } from "./choose-manifest.ts";
import { readIndex, readManifest } from "./read.ts";
import { storeJson } from "./store-json.ts";

/** What is left of an image, and what is not in it. */
export interface ReducedImage {
  /** The image itself when nothing was left out, else a smaller index or the only manifest. */
  readonly target: Descriptor;
  readonly leftOut: readonly Descriptor[];
}

/**
 * Of an index, what is for some platforms; of all platforms those that are here. A lease should hold what is made.
 * @throws {Fault} `not_found` when there is nothing for a platform, or nothing at all
 */
export async function reduceImage(
  content: ContentStore,
  target: Descriptor,
  platforms: readonly Platform[] = [],
): Promise<ReducedImage> {
  if (!isIndex(target.mediaType)) return { target, leftOut: [] };
  const { manifests } = await readIndex(content, target);
  const kept: Descriptor[] = [];
  for (const one of platforms.length > 0 ? chosen(manifests, platforms) : manifests) {
    if (platforms.length > 0 || (await isHere(content, one))) kept.push(one);
  }
  const [first] = kept;
  if (!first) throw new Fault("not_found", `image ${target.digest}: none of its platforms is here`);
  const leftOut = manifests.filter((one) => !kept.includes(one));
  if (leftOut.length === 0) return { target, leftOut };
  if (kept.length === 1) return { target: first, leftOut };
  const index: Index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: kept };
  return { target: await storeJson(content, mediaTypes.ociIndex, index, childLabels(kept)), leftOut };
}

function chosen(manifests: readonly Descriptor[], platforms: readonly Platform[]): Descriptor[] {
  const named = manifests.filter(({ platform }) => platform !== undefined);
  const missing = platforms.find((platform) => filterManifests(named, [platform]).length === 0);
  if (missing)
    throw new Fault("not_found", `no match for platform in manifest: ${formatPlatform(missing)}: not found`);
  return filterManifests(named, platforms);
}

/** Layers apart: a registry may have those that are not kept here. */
async function isHere(content: ContentStore, target: Descriptor): Promise<boolean> {
  try {
    if (isManifest(target.mediaType)) {
      const { config } = await readManifest(content, target);
      await content.info(config.digest);
    } else await content.info(target.digest);
    return true;
  } catch (error) {
    if (hasCode(error, "not_found")) return false;
    throw error;
  }
}
