import { createHash } from "node:crypto";
import type { ContentStore } from "@slipway/core/content";
import { Fault, hasCode } from "@slipway/fault/fault";
import { compress } from "@slipway/layers/compress";
import { detectCompression } from "@slipway/layers/decompress";
import type { Descriptor } from "@slipway/oci/descriptor";
import { digestFromHash, digestOf } from "@slipway/oci/digest";
import type { DockerArchiveImage } from "@slipway/oci/documents/archive";
import { mediaTypes } from "@slipway/oci/media-types";
import { normalizePlatform, platformOf } from "@slipway/oci/platform";
import { formatReference, parseFamiliarReference } from "@slipway/oci/reference";
import { imageNameAnnotation, refNameAnnotation } from "./annotations.ts";
import type { Blob } from "./import-index.ts";
import { readUnpackConfig } from "../read.ts";

/** Makes the manifests that an archive of Docker's has not. @returns an index of them */
export async function importDockerImages(
  content: ContentStore,
  images: readonly DockerArchiveImage[],
  blobs: ReadonlyMap<string, Blob>,
  compressLayers: boolean,
): Promise<Descriptor> {
  const manifests: Descriptor[] = [];
  for (const { Config, RepoTags, Layers } of images) {
    const config = blobs.get(Config);
    if (!config) throw new Fault("invalid_argument", `image config "${Config}" not found`);
    const layers: Descriptor[] = [];
    for (const name of Layers) {
      const layer = blobs.get(name);
      if (!layer) throw new Fault("invalid_argument", `layer "${name}" not found`);
      layers.push(await toLayer(content, layer, compressLayers));
    }
    const platform = normalizePlatform(platformOf(await readUnpackConfig(content, config)));
    const made = await store(content, mediaTypes.dockerManifest, {
      schemaVersion: 2,
      mediaType: mediaTypes.dockerManifest,
      config: { mediaType: mediaTypes.dockerConfig, ...config },
      layers,
    });
    const target = { ...made, platform };
    if (RepoTags.length === 0) manifests.push(target);
    for (const tag of RepoTags) {
      const reference = parseFamiliarReference(tag);
      const name = formatReference(reference);
      const annotations = { [imageNameAnnotation]: name, [refNameAnnotation]: reference.tag ?? name };
      manifests.push({ ...target, annotations });
    }
  }
  return await store(content, mediaTypes.ociIndex, { schemaVersion: 2, manifests });
}

async function toLayer(content: ContentStore, layer: Blob, compressLayers: boolean): Promise<Descriptor> {
  // The same layer may be there compressed, from a pull.
  for await (const info of content.walk([`labels."containerd.io/uncompressed"==${layer.digest}`])) {
    return { mediaType: mediaTypes.dockerLayerGzip, digest: info.digest, size: info.sizeBytes };
  }
  const start = layer.size === 0 ? [] : await Array.fromAsync(content.read(layer.digest, { length: 10 }));
  const compression = detectCompression(Buffer.concat(start));
  if (compression === "gzip") return { mediaType: mediaTypes.dockerLayerGzip, ...layer };
  if (compression === "zstd") return { mediaType: mediaTypes.dockerLayerZstd, ...layer };
  return compressLayers ? await compressed(content, layer) : { mediaType: mediaTypes.dockerLayer, ...layer };
}

async function compressed(content: ContentStore, layer: Blob): Promise<Descriptor> {
  await using writer = await content.writer(`compress-blob-${layer.digest.replace(":", "-")}`);
  await writer.truncate(0);
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of compress(content.read(layer.digest), "gzip")) {
    hash.update(chunk);
    size += chunk.length;
    await writer.write(chunk);
  }
  const digest = digestFromHash(hash);
  try {
    const labels = { "containerd.io/uncompressed": layer.digest };
    await writer.commit({ total: size, expected: digest, labels });
  } catch (error) {
    if (!hasCode(error, "already_exists")) throw error;
  }
  return { mediaType: mediaTypes.dockerLayerGzip, digest, size };
}

async function store(content: ContentStore, mediaType: string, value: object): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(value));
  const digest = digestOf(bytes);
  try {
    await using writer = await content.writer(`manifest-${digest}`, {
      total: bytes.length,
      expected: digest,
    });
    await writer.truncate(0);
    await writer.write(bytes);
    await writer.commit({ total: bytes.length, expected: digest });
  } catch (error) {
    if (!hasCode(error, "already_exists")) throw error;
  }
  return { mediaType, digest, size: bytes.length };
}
