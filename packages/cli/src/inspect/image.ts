import type { Client } from "@slipway/client/client";
import { findImages } from "@slipway/client/find-images";
import { readImage } from "@slipway/images/image-config";
import type { Image } from "@slipway/core/images";
import type { Platform } from "@slipway/oci/platform";
import { familiar, splitName } from "../images/familiar.ts";
import { requirePlatform } from "../images/require-platform.ts";
import { summarize } from "../images/list.ts";

/** The image that a name or id means, in the words of `docker image inspect`, or as containerd has it. */
export async function inspectImages(
  client: Client,
  snapshotter: string,
  text: string,
  native: boolean,
  platform?: Platform,
): Promise<Record<string, unknown>[]> {
  const images = await findImages(client, text);
  const [image] = images;
  if (!image) return [];
  const content = await readImage(client.content, image.target, platform, image.name);
  const { manifest, config, target } = content;
  if (platform) requirePlatform(familiar(image.name), content, platform);
  if (native) return [{ Image: image, ManifestDesc: target, Manifest: manifest, ImageConfig: config }];
  const { sizeBytes } = await summarize(client, snapshotter, image);
  return [
    {
      Id: manifest.config.digest,
      ...repositoryNames(images),
      Created: config.created ?? image.createdAt.toISOString(),
      Author: config.author ?? "",
      Architecture: config.architecture,
      Variant: config.variant ?? "",
      Os: config.os,
      Size: sizeBytes ?? 0,
      RootFS: { Type: "layers", Layers: config.rootfs.diff_ids },
      Config: config.config ?? {},
      Metadata: { LastTagTime: image.updatedAt.toISOString() },
    },
  ];
}

function repositoryNames(images: readonly Image[]): Record<"RepoTags" | "RepoDigests", string[]> {
  const tagged = images.filter(({ name }) => splitName(name).tag !== "<none>");
  const digests = images.map(({ name, target }) => `${splitName(name).repository}@${target.digest}`);
  return { RepoTags: tagged.map(({ name }) => familiar(name)), RepoDigests: [...new Set(digests)] };
}
