import type { ContentProvider } from "@slipway/core/content";
import { Fault } from "@slipway/fault/fault";
import { chainIds } from "@slipway/oci/chain-id";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { ImageConfig, Manifest } from "@slipway/oci/image";
import { isIndex, isManifest } from "@slipway/oci/media-types";
import { hostPlatform, type Platform } from "@slipway/oci/platform";
import { chooseManifest } from "./choose-manifest.ts";
import { readConfig, readIndex, readManifest } from "./read.ts";

/** An image for one platform, as it is in the content store. */
export interface ImageContent {
  readonly target: Descriptor;
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  /** Names the snapshot of all layers; empty when there are none. */
  readonly chainId: string;
}

const deepestIndex = 4;

/** Reads what a target leads to; `image` is its name, for messages. @throws {Fault} `not_found` for another platform or content that is missing */
export async function readImage(
  content: ContentProvider,
  target: Descriptor,
  platform: Platform = hostPlatform(),
  image = "",
): Promise<ImageContent> {
  const manifestTarget = await findManifest(content, target, platform, image);
  const manifest = await readManifest(content, manifestTarget, image);
  const config = await readConfig(content, manifest.config, image);
  return {
    target: manifestTarget,
    manifest,
    config,
    chainId: chainIds(config.rootfs.diff_ids).at(-1) ?? "",
  };
}

/** The manifest of a platform that a target is, or leads to. */
export async function findManifest(
  content: ContentProvider,
  target: Descriptor,
  platform: Platform,
  image = "",
): Promise<Descriptor> {
  let at = target;
  for (let depth = 0; isIndex(at.mediaType) && depth < deepestIndex; depth += 1) {
    const { manifests } = await readIndex(content, at, image);
    at = chooseManifest(manifests, platform);
  }
  if (isManifest(at.mediaType)) return at;
  throw new Fault("unimplemented", `Cannot read ${target.digest}: media type "${at.mediaType}" is no image`);
}
