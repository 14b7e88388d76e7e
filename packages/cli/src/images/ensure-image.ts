import type { Client } from "@slipway/client/client";
import { ensureUnpacked } from "@slipway/client/ensure-unpacked";
import { findImage } from "@slipway/client/find-images";
import { type ImageContent, readImage } from "@slipway/images/image-config";
import { missingLayers } from "@slipway/images/discarded-layers";
import type { Image } from "@slipway/core/images";
import { Fault, hasCode } from "@slipway/fault/fault";
import { layersOf } from "@slipway/images/layers-of";
import { quoted } from "@slipway/oci/documents/quoted";
import type { ImageConfig } from "@slipway/oci/image";
import { isConfig } from "@slipway/oci/media-types";
import { hostPlatform, platformDistance } from "@slipway/oci/platform";
import { canonicalName } from "@slipway/oci/reference";
import type { Globals } from "../cli.ts";
import { readPlatform } from "./platforms.ts";
import { requirePlatform, servesPlatform } from "./require-platform.ts";

export interface ReadyImage {
  readonly name: string;
  readonly config: ImageConfig;
  /** Names the snapshot to prepare containers from. */
  readonly chainId: string;
}

interface EnsureFlags {
  readonly pull: string;
  readonly platform?: string;
  readonly quiet?: boolean;
}

/**
 * An image that is there and unpacked: pulled first when it is missing, or always, by Docker's `--pull`.
 * @throws {Fault} `not_found` when it is missing and must not be pulled
 */
export async function ensureImage(
  client: Client,
  globals: Globals,
  reference: string,
  { pull: when, platform: wanted, quiet = false }: EnsureFlags,
): Promise<ReadyImage> {
  const platform = wanted ? readPlatform(wanted) : hostPlatform();
  if (when !== "always") {
    const image = await findOrUndefined(client, reference);
    const content = image && (await readIfComplete(client, image, platform));
    const isServed = content && (!wanted || servesPlatform(content, platform));
    if (image && isServed && (await canUnpack(client, globals.snapshotter, content))) {
      return runnable(image.name, content);
    }
    const name = isId(reference) ? reference : canonicalName(reference);
    const isLocalOnly = when === "never" || isId(reference);
    if (isLocalOnly && content && wanted) requirePlatform(name, content, platform);
    if (isLocalOnly) throw new Fault("not_found", `image "${name}": not found`);
  }
  const name = canonicalName(reference);
  const { pullWithProgress } = await import("./pull-progress.ts");
  const before = wanted ? await findOrUndefined(client, name) : undefined;
  const image = await pullWithProgress(client, name, {
    platforms: [platform],
    snapshotter: globals.snapshotter,
    quiet,
    output: process.stderr,
  });
  const content = await readImage(client.content, image.target, platform, name);
  if (wanted && !servesPlatform(content, platform)) {
    // It was pulled for this alone.
    if (!before) await client.images.delete(name);
    requirePlatform(name, content, platform);
  }
  if (platformDistance(platform, content.config) !== 0) {
    // An image without an index has one platform, which nobody chose. A pull may leave another one packed; Docker runs it.
    await ensureUnpacked(client, globals.snapshotter, content);
  }
  return runnable(name, content);
}

/** @throws {Fault} `failed_precondition` for an artifact, which has neither a configuration of an image nor layers of files */
function runnable(name: string, { manifest, config, chainId }: ImageContent): ReadyImage {
  if (!isConfig(manifest.config.mediaType) && chainId === "" && layersOf(manifest).length === 0) {
    const type = quoted(manifest.artifactType ?? manifest.config.mediaType);
    const why = `it is an artifact of type ${type}, without layers that are file systems`;
    throw new Fault("failed_precondition", `Cannot run "${name}": ${why}`);
  }
  return { name, config, chainId };
}

/** Not when the blobs of its layers are not kept, and what was unpacked is gone or in another snapshotter. */
async function canUnpack(client: Client, snapshotter: string, content: ImageContent): Promise<boolean> {
  try {
    await ensureUnpacked(client, snapshotter, content);
    return true;
  } catch (error) {
    const missing = await missingLayers(client.content, content.manifest.layers);
    if (missing.length > 0) return false;
    throw error;
  }
}

/** The image of a name or an id, if it is here. */
export async function findOrUndefined(client: Client, text: string): Promise<Image | undefined> {
  try {
    return await findImage(client, text);
  } catch (error) {
    if (hasCode(error, "not_found")) return undefined;
    throw error;
  }
}

/** What no registry can be asked for. */
function isId(text: string): boolean {
  return /^(?:sha256:[0-9a-f]*|[0-9a-f]{64})$/.test(text);
}

/** Nothing when another platform of the image was pulled. */
export async function readIfComplete(
  client: Client,
  { name, target }: Image,
  platform: ReturnType<typeof hostPlatform>,
): Promise<ImageContent | undefined> {
  try {
    return await readImage(client.content, target, platform, name);
  } catch (error) {
    if (hasCode(error, "not_found")) return undefined;
    throw error;
  }
}
