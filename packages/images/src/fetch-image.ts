import type { Labels } from "@slipway/core/labels";
import { Fault, hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Digest } from "@slipway/oci/digest";
import { isConfig, isIndex, isLayer, isManifest } from "@slipway/oci/media-types";
import { type Platform, platformDistance } from "@slipway/oci/platform";
import { BlobFetches, type BlobProgress } from "./blob-fetches.ts";
import { childLabels } from "./child-labels.ts";
import { heldChildren } from "./discarded-layers.ts";
import { filterManifests } from "./choose-manifest.ts";
import { addLabels, type BlobSource } from "./fetch-blob.ts";
import type { KeyedLock } from "./keyed-lock.ts";
import { layersOf } from "./layers-of.ts";
import { readIndex, readManifest, readUnpackConfig } from "./read.ts";
import { unpack } from "./unpack.ts";
import type { Workspace } from "./workspace.ts";

export type { BlobProgress } from "./blob-fetches.ts";

/** What is to be unpacked, and into which snapshotter. */
export interface UnpackTarget {
  readonly platform: Platform;
  readonly snapshotter: string;
}

export interface FetchImageOptions {
  /** All unless told. */
  readonly platforms?: readonly Platform[];
  /** Takes manifests and configs of the other platforms, too, without their layers. */
  readonly allMetadata?: boolean;
  /** The most manifests of an index; 0 is no limit. */
  readonly manifestLimit?: number;
  readonly unpacks?: readonly UnpackTarget[];
  /** Asked about a manifest of an index that cannot be had whole: whether the index may do without it. */
  readonly mayMiss?: (manifest: Descriptor) => boolean;
  /** Lets the collector have the blobs of layers once they are unpacked. Those that another pull holds stay. */
  readonly discardsBlobs?: boolean;
  /** Set on every blob. */
  readonly labels?: (before: Labels) => Labels;
  /** What messages call the image; the digest alone by default. */
  readonly imageName?: string;
  readonly concurrentLayers: number;
  /** Shared by all that work on the same stores: what many ask for is done once. */
  readonly locks: KeyedLock;
  readonly onProgress?: (progress: BlobProgress) => void;
  readonly signal?: AbortSignal;
}

const deepestIndex = 8;

/**
 * Brings what a target leads to into the workspace and unpacks it: index, manifest and config first, then layers side by
 * side, each unpacked as soon as it and those below it are there. Of a layer that is
 * unpacked already the blob alone is fetched, unless it is not going to be kept.
 * Labels are containerd's, so that any client can go on from there.
 * @throws {Fault} `not_found`, also for an index that has nothing for the platforms
 */
export async function fetchImage(
  workspace: Workspace,
  source: BlobSource,
  target: Descriptor,
  options: FetchImageOptions,
): Promise<void> {
  // When one layer fails, the others need not go on.
  const leave = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, leave.signal]) : leave.signal;
  const fetches = new BlobFetches(workspace.content, source, { ...options, signal });
  try {
    await visit({ workspace, fetches, options, signal }, target, []);
  } finally {
    leave.abort();
    await fetches.settled();
  }
}

interface Visit {
  readonly workspace: Workspace;
  readonly fetches: BlobFetches;
  readonly options: FetchImageOptions;
  readonly signal: AbortSignal;
  /** Of a platform that was not asked for. */
  readonly metadataOnly?: boolean;
}

async function visit(visiting: Visit, target: Descriptor, parents: readonly Descriptor[]): Promise<void> {
  const { fetches } = visiting;
  if (parents.length > deepestIndex) {
    throw new Fault("invalid_argument", `Cannot fetch ${target.digest}: an index in an index in an index …`);
  }
  await fetches.fetch(target, parents);
  if (isIndex(target.mediaType)) await visitIndex(visiting, target, [...parents, target]);
  else if (isManifest(target.mediaType)) await visitManifest(visiting, target, [...parents, target]);
}

async function visitIndex(
  visiting: Visit,
  target: Descriptor,
  parents: readonly Descriptor[],
): Promise<void> {
  const { content } = visiting.workspace;
  const { platforms = [], manifestLimit = 0, allMetadata = false } = visiting.options;
  const { manifests } = await readIndex(content, target, visiting.options.imageName);
  await addLabels(content, target.digest, () => childLabels(manifests));
  const matching = filterManifests(manifests, platforms);
  const chosen = manifestLimit > 0 ? matching.slice(0, manifestLimit) : matching;
  if (chosen.length === 0 && (manifestLimit > 0 || manifests.length > 0)) {
    throw new Fault("not_found", "no match for platform in manifest: not found");
  }
  const others = allMetadata ? manifests.filter((manifest) => !chosen.includes(manifest)) : [];
  const [found] = await Promise.all([
    Promise.all(chosen.map((manifest) => visitUnlessMissing(visiting, manifest, parents))),
    ...others.map((manifest) => visit({ ...visiting, metadataOnly: true }, manifest, parents)),
  ]);
  if (chosen.length > 0 && !found.includes(true)) {
    throw new Fault("not_found", `nothing of index ${target.digest} is there: not found`);
  }
}

/** @returns whether it is there */
async function visitUnlessMissing(
  visiting: Visit,
  manifest: Descriptor,
  parents: readonly Descriptor[],
): Promise<boolean> {
  try {
    await visit(visiting, manifest, parents);
    return true;
  } catch (error) {
    if (hasCode(error, "not_found") && visiting.options.mayMiss?.(manifest)) return false;
    throw error;
  }
}

async function visitManifest(
  visiting: Visit,
  target: Descriptor,
  parents: readonly Descriptor[],
): Promise<void> {
  const { workspace, fetches, options, metadataOnly = false } = visiting;
  const { content } = workspace;
  const manifest = await readManifest(content, target, options.imageName);
  const { config } = manifest;
  const children = [config, ...manifest.layers];
  const hold = async (discards: boolean): Promise<void> =>
    await addLabels(content, target.digest, () => heldChildren(children, discards));
  const { discardsBlobs = false } = options;
  await hold(discardsBlobs);
  await fetches.fetch(config, parents);
  if (metadataOnly) return;
  for (const blob of manifest.layers) fetches.announce(blob, parents);
  const layers = layersOf(manifest);
  const isImage = isConfig(config.mediaType) && layers.length > 0;
  const image =
    isImage && (options.unpacks ?? []).length > 0
      ? await readUnpackConfig(content, config, options.imageName)
      : undefined;
  const unpacks = (options.unpacks ?? []).filter(
    ({ platform }) => image && platformDistance(platform, target.platform ?? image) !== undefined,
  );
  if (!image || unpacks.length === 0) {
    if (discardsBlobs) await hold(false);
    await fetches.fetchAll(manifest.layers, parents);
    return;
  }
  const others = fetches.fetchAll(
    manifest.layers.filter(({ mediaType }) => !isLayer(mediaType)),
    parents,
  );
  // It is awaited when nothing is being unpacked any more.
  others.catch(() => {});
  await unpackFor(unpacks, { visiting, config, layers, diffIds: image.rootfs.diff_ids, parents });
  await others;
}

interface Unpacking {
  readonly visiting: Visit;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly diffIds: readonly Digest[];
  readonly parents: readonly Descriptor[];
}

async function unpackFor(
  unpacks: readonly UnpackTarget[],
  { visiting, config, layers, diffIds, parents }: Unpacking,
): Promise<void> {
  const { workspace, fetches, options, signal } = visiting;
  const { locks, discardsBlobs = false } = options;
  for (const { snapshotter } of unpacks) {
    const chainId = await unpack(workspace, layers, diffIds, {
      snapshotter,
      locks,
      discardsBlobs,
      fetched: (index) => fetches.fetchFrom(layers, index, parents),
      ...(discardsBlobs
        ? {}
        : { fetchedToKeep: (layer) => fetches.fetch(layer, parents, { isUnpacked: true }) }),
      onLayer: (layer, state) => fetches.report(layer, state, layer.size),
      signal,
    });
    await addLabels(workspace.content, config.digest, () =>
      chainId === "" ? {} : { [`containerd.io/gc.ref.snapshot.${snapshotter}`]: chainId },
    );
  }
}
