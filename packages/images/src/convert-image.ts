import { randomBytes } from "node:crypto";
import type { ContentStore } from "@slipway/core/content";
import type { Labels } from "@slipway/core/labels";
import { hasCode } from "@slipway/fault/fault";
import { compress } from "@slipway/layers/compress";
import { decompress } from "@slipway/layers/decompress";
import type { Descriptor } from "@slipway/oci/descriptor";
import { type Digest, digestOf, parseDigest } from "@slipway/oci/digest";
import type { Index } from "@slipway/oci/image";
import { type Compression, compressionOf, isIndex, mediaTypes } from "@slipway/oci/media-types";
import type { Platform } from "@slipway/oci/platform";
import { childLabels } from "./child-labels.ts";
import { chooseManifest } from "./choose-manifest.ts";
import { addLabels } from "./fetch-blob.ts";
import { placesOf } from "./layers-of.ts";
import { readIndex, readManifest, readUnpackConfig } from "./read.ts";
import { verifiedBlob } from "./verified-blob.ts";

export interface ConvertOptions {
  /** What the layers become; as they are unless told. Zstandard makes the image an OCI one: Docker has no type for it. */
  readonly compression?: Compression;
  /** Docker's media types become the OCI's. */
  readonly oci?: boolean;
  /** Of an index, this one alone; all that are here unless told. */
  readonly platform?: Platform;
}

const ociLayers = {
  none: mediaTypes.ociLayer,
  gzip: mediaTypes.ociLayerGzip,
  zstd: mediaTypes.ociLayerZstd,
} as const;
const dockerLayers = { none: mediaTypes.dockerLayer, gzip: mediaTypes.dockerLayerGzip } as const;

/**
 * Makes another form of an image. A lease should hold what is made; diff ids stay, so that what was unpacked stays good.
 * Upstream: core/images/converter.
 * @throws {Fault} `not_found` when content is missing
 */
export async function convertImage(
  content: ContentStore,
  target: Descriptor,
  options: ConvertOptions,
): Promise<Descriptor> {
  if (!isIndex(target.mediaType)) return await convertManifest(content, target, options);
  const { manifests } = await readIndex(content, target);
  if (options.platform) {
    return await convertImage(content, chooseManifest(manifests, options.platform), options);
  }
  const converted: Descriptor[] = [];
  for (const one of manifests) {
    if (!(await isHere(content, one.digest))) continue;
    const { mediaType, digest, size } = await convertImage(content, one, options);
    converted.push({ ...one, mediaType, digest, size });
  }
  const isOci = options.oci || options.compression === "zstd";
  const mediaType = isOci ? mediaTypes.ociIndex : target.mediaType;
  const index: Index = { schemaVersion: 2, mediaType, manifests: converted };
  return await storeJson(content, mediaType, index, childLabels(converted));
}

async function convertManifest(
  content: ContentStore,
  target: Descriptor,
  options: ConvertOptions,
): Promise<Descriptor> {
  const manifest = await readManifest(content, target);
  const { rootfs } = await readUnpackConfig(content, manifest.config);
  const isOci = options.oci || options.compression === "zstd" || target.mediaType === mediaTypes.ociManifest;
  const layers: Descriptor[] = [];
  for (const { blob: layer, place } of placesOf(manifest)) {
    const from = compressionOf(layer.mediaType);
    const to = options.compression ?? from;
    const diffId = place === undefined ? undefined : rootfs.diff_ids[place];
    // What nobody can read stays as it is, such as an encrypted layer, and what is no layer.
    if (from === undefined || to === undefined || diffId === undefined) {
      layers.push(layer);
      continue;
    }
    const mediaType = isOci || to === "zstd" ? ociLayers[to] : dockerLayers[to];
    const blob = from === to ? layer : await recompress(content, layer.digest, to, diffId);
    layers.push({ ...layer, ...blob, mediaType });
  }
  const mediaType = isOci ? mediaTypes.ociManifest : mediaTypes.dockerManifest;
  const config = { ...manifest.config, mediaType: isOci ? mediaTypes.ociConfig : mediaTypes.dockerConfig };
  return await storeJson(
    content,
    mediaType,
    { ...manifest, mediaType, config, layers },
    childLabels([config, ...layers]),
  );
}

async function recompress(
  content: ContentStore,
  digest: Digest,
  compression: Compression,
  diffId: Digest,
): Promise<{ digest: Digest; size: number }> {
  const bytes = compress(decompress(verifiedBlob(content, digest)), compression);
  return await store(content, bytes, { "containerd.io/uncompressed": diffId });
}

async function storeJson(
  content: ContentStore,
  mediaType: string,
  value: object,
  labels: Labels,
): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(value));
  return { mediaType, ...(await store(content, [bytes], labels)), digest: digestOf(bytes) };
}

async function store(
  content: ContentStore,
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  labels: Labels,
): Promise<{ digest: Digest; size: number }> {
  await using writer = await content.writer(`convert-${randomBytes(8).toString("hex")}`);
  let size = 0;
  for await (const chunk of bytes) {
    await writer.write(chunk);
    size += chunk.length;
  }
  try {
    return { digest: await writer.commit({ total: size, labels }), size };
  } catch (error) {
    const known = /sha256:[0-9a-f]{64}/.exec(error instanceof Error ? error.message : "")?.[0];
    if (!hasCode(error, "already_exists") || known === undefined) throw error;
    await addLabels(content, parseDigest(known), () => labels);
    return { digest: parseDigest(known), size };
  }
}

async function isHere(content: ContentStore, digest: Digest): Promise<boolean> {
  try {
    await content.info(digest);
    return true;
  } catch (error) {
    if (hasCode(error, "not_found")) return false;
    throw error;
  }
}
