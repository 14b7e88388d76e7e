import type { Client } from "@slipway/client/client";
import { readImage } from "@slipway/images/image-config";
import type { Image } from "@slipway/core/images";
import { hasCode } from "@slipway/fault/fault";
import { chainIds } from "@slipway/oci/chain-id";
import { formatPlatform } from "@slipway/oci/platform";

/** What a list of images shows of one. */
export interface ImageSummary {
  readonly image: Image;
  readonly createdAt: Date;
  /** `linux/amd64`; empty when this machine's platform of it was not pulled. */
  readonly platform: string;
  /** Unpacked; 0 when it is not. */
  readonly sizeBytes: number;
  /** As it came from the registry. */
  readonly blobBytes: number;
}

/** Reads an image's content and asks for its snapshots' sizes. Missing parts count as nothing. */
export async function summarize(client: Client, snapshotter: string, image: Image): Promise<ImageSummary> {
  const empty = {
    image,
    createdAt: image.createdAt,
    platform: "",
    sizeBytes: 0,
    blobBytes: image.target.size,
  };
  try {
    const { target, manifest, config } = await readImage(client.content, image.target);
    const sizes = await Promise.all(
      chainIds(config.rootfs.diff_ids).map((chainId) => usage(client, snapshotter, chainId)),
    );
    return {
      image,
      createdAt: config.created === undefined ? image.createdAt : new Date(config.created),
      platform: formatPlatform(config),
      sizeBytes: sizes.reduce((sum, size) => sum + size, 0),
      blobBytes: [target, manifest.config, ...manifest.layers].reduce((sum, { size }) => sum + size, 0),
    };
  } catch (error) {
    if (hasCode(error, "not_found", "unimplemented")) return empty;
    throw error;
  }
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
