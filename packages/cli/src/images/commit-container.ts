import { randomBytes } from "node:crypto";
import type { Client } from "@slipway/client/client";
import { leased } from "@slipway/client/leased";
import type { Container } from "@slipway/core/containers";
import type { ContentStore } from "@slipway/core/content";
import type { Image } from "@slipway/core/images";
import { Fault, hasCode } from "@slipway/fault/fault";
import { childLabels } from "@slipway/images/child-labels";
import { readImage } from "@slipway/images/image-config";
import { storeImage } from "@slipway/images/store-image";
import type { Descriptor } from "@slipway/oci/descriptor";
import { digestOf, parseDigest } from "@slipway/oci/digest";
import type { ImageConfig, ImageProcessConfig, Manifest } from "@slipway/oci/image";
import { mediaTypes } from "@slipway/oci/media-types";

export interface CommitOptions {
  readonly author?: string;
  readonly message?: string;
  readonly changes: Partial<ImageProcessConfig>;
}

/** Makes an image of a container's image and what has changed in the container. */
export async function commitContainer(
  client: Client,
  container: Container,
  name: string,
  { author, message, changes }: CommitOptions,
): Promise<Image> {
  await using held = await leased(client);
  const { content } = held.client;
  const base = await readImage(content, (await client.images.get(container.image)).target);
  const layer = await layerOf(held.client, container, mediaTypes.ociLayerGzip);
  const diffId = (await content.info(layer.digest)).labels["containerd.io/uncompressed"];
  if (diffId === undefined) throw new Fault("internal", `Layer ${layer.digest} has no diff id`);
  const created = new Date().toISOString();
  const config: ImageConfig = {
    ...base.config,
    created,
    ...(author === undefined ? {} : { author }),
    config: { ...base.config.config, ...changes },
    rootfs: { type: "layers", diff_ids: [...base.config.rootfs.diff_ids, parseDigest(diffId)] },
    history: [
      ...(base.config.history ?? []),
      {
        created,
        created_by: "slipway commit",
        ...(author === undefined ? {} : { author }),
        ...(message === undefined ? {} : { comment: message }),
      },
    ],
  };
  const configBlob = await storeJson(content, mediaTypes.ociConfig, config, {});
  const layers = [...base.manifest.layers, layer];
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: configBlob,
    layers,
  };
  const target = await storeJson(
    content,
    mediaTypes.ociManifest,
    manifest,
    childLabels([configBlob, ...layers]),
  );
  return await storeImage(client.images, { name, target, labels: {} });
}

/** Stores what a container has changed as a layer. */
export async function layerOf(
  client: Client,
  { snapshotter, snapshotKey }: Container,
  mediaType: string,
): Promise<Descriptor> {
  if (snapshotKey === "") throw new Fault("failed_precondition", "The container is not made from an image");
  const snapshots = client.snapshotter(snapshotter);
  const { parent } = await snapshots.stat(snapshotKey);
  const view = `view-${randomBytes(8).toString("hex")}`;
  const lower = await snapshots.view(view, parent);
  try {
    const reference = `commit-${randomBytes(8).toString("hex")}`;
    return await client.differ.compare(lower, await snapshots.mounts(snapshotKey), { mediaType, reference });
  } finally {
    await snapshots.remove(view);
  }
}

async function storeJson(
  content: ContentStore,
  mediaType: string,
  value: object,
  labels: Readonly<Record<string, string>>,
): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(value));
  const target = { mediaType, digest: digestOf(bytes), size: bytes.length };
  try {
    await using writer = await content.writer(`commit-${target.digest}`, {
      total: bytes.length,
      expected: target.digest,
    });
    await writer.write(bytes);
    await writer.commit({ total: bytes.length, expected: target.digest, labels });
  } catch (error) {
    if (!hasCode(error, "already_exists")) throw error;
  }
  return target;
}
