import { randomBytes } from "node:crypto";
import type { ContentStore } from "@slipway/core/content";
import type { Comparer } from "@slipway/core/diff";
import type { Snapshotter } from "@slipway/core/snapshots";
import { cleanup } from "@slipway/fault/cleanup";
import { Fault, hasCode } from "@slipway/fault/fault";
import { chainIds } from "@slipway/oci/chain-id";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Digest } from "@slipway/oci/digest";
import { compressionOf, mediaTypes } from "@slipway/oci/media-types";
import { childLabels } from "./child-labels.ts";
import { missingLayers } from "./discarded-layers.ts";
import { layersOf, placesOf } from "./layers-of.ts";
import { readManifest, readUnpackConfig } from "./read.ts";
import { storeJson } from "./store-json.ts";

/** Where layers are unpacked, and who makes blobs of them. */
export interface LayerSource {
  readonly content: ContentStore;
  readonly differ: Comparer;
  readonly snapshots: Snapshotter;
}

const types = { none: mediaTypes.ociLayer, gzip: mediaTypes.ociLayerGzip, zstd: mediaTypes.ociLayerZstd };

/**
 * Makes blobs again of layers whose blobs are not here, from what was unpacked. The tars are the same, so configuration and
 * diff ids stay; compressed, they have other digests unless they were made by the same compressor. A lease should hold what
 * is made.
 * @returns the manifest: the same one, or one with the new digests
 * @throws {Fault} `failed_precondition` when a layer is not unpacked, or kept as files and not as its tar
 */
export async function restoreLayers(source: LayerSource, target: Descriptor): Promise<Descriptor> {
  const manifest = await readManifest(source.content, target);
  const missing = new Set(
    (await missingLayers(source.content, layersOf(manifest))).map(({ digest }) => digest),
  );
  if (missing.size === 0) return target;
  const { rootfs } = await readUnpackConfig(source.content, manifest.config);
  const chain = chainIds(rootfs.diff_ids);
  const layers: Descriptor[] = [];
  for (const { blob: layer, place = -1 } of placesOf(manifest)) {
    const [diffId, chainId] = [rootfs.diff_ids[place], chain[place]];
    if (!missing.has(layer.digest) || diffId === undefined || chainId === undefined) layers.push(layer);
    else layers.push(await restoreLayer(source, layer, diffId, chainId, chain[place - 1] ?? ""));
  }
  const children = childLabels([manifest.config, ...layers]);
  const made = await storeJson(source.content, target.mediaType, { ...manifest, layers }, children);
  return { ...target, ...made };
}

async function restoreLayer(
  source: LayerSource,
  layer: Descriptor,
  diffId: Digest,
  chainId: Digest,
  parent: string,
): Promise<Descriptor> {
  const compression = compressionOf(layer.mediaType);
  if (compression === undefined) throw cannot(layer, `nobody knows how to make a "${layer.mediaType}"`);
  const { content, differ } = source;
  await using undo = new AsyncDisposableStack();
  const lower = await view(source, layer, parent, undo);
  const upper = await view(source, layer, chainId, undo);
  const reference = `restore-${layer.digest}`;
  const made = await differ.compare(lower, upper, { mediaType: types[compression], reference });
  const { labels } = await content.info(made.digest);
  // Else the layer is another one than the configuration says.
  if ((labels["containerd.io/uncompressed"] ?? made.digest) !== diffId) {
    throw cannot(layer, "it is kept as files, of which its tar cannot be made");
  }
  return { ...layer, digest: made.digest, size: made.size };
}

async function view(
  { snapshots }: LayerSource,
  layer: Descriptor,
  parent: string,
  undo: AsyncDisposableStack,
): ReturnType<Snapshotter["view"]> {
  const key = `restore-${randomBytes(8).toString("hex")}`;
  try {
    const mounts = await snapshots.view(key, parent);
    undo.defer(() => cleanup(() => snapshots.remove(key)));
    return mounts;
  } catch (error) {
    if (hasCode(error, "not_found")) throw cannot(layer, "it is not unpacked, either");
    throw error;
  }
}

function cannot({ digest }: Descriptor, why: string): Fault {
  return new Fault("failed_precondition", `Cannot make layer ${digest} again: ${why}`);
}
