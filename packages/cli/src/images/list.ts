import type { Client } from "@slipway/client/client";
import { readConfig, readManifest } from "@slipway/images/read";
import { findManifest } from "@slipway/images/image-config";
import type { Image } from "@slipway/core/images";
import { Fault, hasCode, messageOf } from "@slipway/fault/fault";
import { chainIds } from "@slipway/oci/chain-id";
import type { Manifest } from "@slipway/oci/image";
import { isConfig } from "@slipway/oci/media-types";
import { formatPlatform, hostPlatform } from "@slipway/oci/platform";

/** What a list of images shows of one. */
export interface ImageSummary {
  readonly image: Image;
  /** `linux/amd64`; empty for an artifact, and when this machine's platform of it was not pulled. */
  readonly platform: string;
  /** Unpacked; 0 when it is not, undefined if it cannot be known. */
  readonly sizeBytes: number | undefined;
  /** As it came from the registry. */
  readonly blobBytes: number;
  /** Why it cannot be shown whole, if something of it is not what it should be. */
  readonly problem?: string;
}

/** Reads an image's content and asks for its snapshots' sizes. What is wrong with one image is no failure of the list. */
export async function summarize(client: Client, snapshotter: string, image: Image): Promise<ImageSummary> {
  const empty = { image, platform: "", sizeBytes: 0, blobBytes: image.target.size };
  let found = empty;
  try {
    const target = await findManifest(client.content, image.target, hostPlatform());
    const manifest = await readManifest(client.content, target);
    const blobBytes = sum([target, manifest.config, ...manifest.layers].map(({ size }) => size));
    found = { ...empty, blobBytes };
    return isConfig(manifest.config.mediaType)
      ? { ...found, ...(await unpacked(client, snapshotter, manifest)) }
      : found;
  } catch (error) {
    // Another platform was pulled, or it is no image but a blob with a name.
    if (hasCode(error, "not_found", "unimplemented")) return found;
    if (!isAboutImage(error)) throw error;
    return { ...found, sizeBytes: undefined, problem: messageOf(error) };
  }
}

async function unpacked(
  client: Client,
  snapshotter: string,
  { config: { digest } }: Manifest,
): Promise<Pick<ImageSummary, "platform" | "sizeBytes">> {
  const config = await readConfig(client.content, { digest });
  const chain = chainIds(config.rootfs.diff_ids);
  const sizes = await Promise.all(chain.map((chainId) => usage(client, snapshotter, chainId)));
  return { platform: config.architecture === "" ? "" : formatPlatform(config), sizeBytes: sum(sizes) };
}

/** Not when the daemon is gone or the user has had enough. */
function isAboutImage(error: unknown): boolean {
  return error instanceof Fault && !hasCode(error, "canceled", "deadline_exceeded", "unavailable");
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0);
}

/** What a snapshot takes, in bytes; 0 when it is not there. */
export async function usage(client: Client, snapshotter: string, key: string): Promise<number> {
  try {
    return (await client.snapshotter(snapshotter).usage(key)).sizeBytes;
  } catch (error) {
    if (hasCode(error, "not_found")) return 0;
    throw error;
  }
}
