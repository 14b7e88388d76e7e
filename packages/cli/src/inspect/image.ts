import type { Client } from "@slipway/client/client";
import { readImage } from "@slipway/images/image-config";
import type { Platform } from "@slipway/oci/platform";
import { familiar } from "../images/familiar.ts";
import { findImages } from "../images/find.ts";
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
  const { manifest, config, target } = await readImage(client.content, image.target, platform);
  if (native) return [{ Image: image, ManifestDesc: target, Manifest: manifest, ImageConfig: config }];
  const { sizeBytes } = await summarize(client, snapshotter, image);
  const names = images.map(({ name }) => familiar(name));
  return [
    {
      Id: manifest.config.digest,
      RepoTags: names,
      RepoDigests: [
        ...new Set(names.map((name) => `${name.replace(/:[^:/]+$/, "")}@${image.target.digest}`)),
      ],
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
