import type { ContentProvider } from "@slipway/core/content";
import type { Labels } from "@slipway/core/labels";
import { Fault, hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { isIndex, isLayer, isManifest } from "@slipway/oci/media-types";
import type { Platform } from "@slipway/oci/platform";
import type { Repository } from "@slipway/registry/registry";
import { mountCandidate } from "./child-labels.ts";
import { filterManifests } from "./choose-manifest.ts";
import { waysBack } from "./discarded-layers.ts";
import { explainFailure } from "./verified-blob.ts";
import { readBlob, readIndex, readManifest } from "./read.ts";

export interface PushImageOptions {
  /** Only what is for these; everything that the target leads to unless told. The index itself stays whole. */
  readonly platforms?: readonly Platform[];
  readonly concurrentLayers: number;
  readonly onProgress?: (progress: PushProgress) => void;
  readonly signal?: AbortSignal;
}

export interface PushProgress {
  readonly target: Descriptor;
  readonly state: "waiting" | "pushing" | "pushed" | "existed" | "mounted";
  /** Bytes that were sent. */
  readonly offset: number;
  /** What led here, from the image's target on. */
  readonly parents: readonly Descriptor[];
}

/** Where an image goes. */
export interface PushTarget {
  readonly repository: Repository;
  /** With its port. */
  readonly host: string;
  readonly path: string;
}

/**
 * Sends what a target leads to: blobs first, then what points to them, the tag last.
 * @throws {Fault} `not_found` when content is missing, such as other platforms of an index
 */
export async function pushImage(
  content: ContentProvider,
  to: PushTarget,
  target: Descriptor,
  tagOrDigest: string,
  options: PushImageOptions,
): Promise<void> {
  await pushTree({ content, to, options }, target, tagOrDigest, []);
}

/** For messages. */
function nameOf({ host, path }: PushTarget): string {
  return `${host}/${path}`;
}

interface Pushing {
  readonly content: ContentProvider;
  readonly to: PushTarget;
  readonly options: PushImageOptions;
}

async function pushTree(
  pushing: Pushing,
  target: Descriptor,
  tagOrDigest: string,
  parents: readonly Descriptor[],
): Promise<void> {
  const { content, to, options } = pushing;
  const { signal, onProgress } = options;
  onProgress?.({ target, state: "waiting", offset: 0, parents });
  if (isIndex(target.mediaType)) {
    const { manifests } = await readIndex(content, await present(content, target), nameOf(to));
    for (const child of filterManifests(manifests, options.platforms ?? [])) {
      await pushTree(pushing, child, child.digest, [...parents, target]);
    }
  } else if (isManifest(target.mediaType)) {
    const { config, layers } = await readManifest(content, await present(content, target), nameOf(to));
    await pushBlobs(pushing, [config, ...layers], [...parents, target]);
  }
  signal?.throwIfAborted();
  if (isIndex(target.mediaType) || isManifest(target.mediaType)) {
    const body = await readBlob(content, target.digest);
    await to.repository.pushManifest(target, body, tagOrDigest, signal);
    onProgress?.({ target, state: "pushed", offset: target.size, parents });
  } else await pushBlobs(pushing, [target], parents);
}

async function pushBlobs(
  pushing: Pushing,
  blobs: readonly Descriptor[],
  parents: readonly Descriptor[],
): Promise<void> {
  const { onProgress, concurrentLayers } = pushing.options;
  const waiting = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
  for (const target of waiting) onProgress?.({ target, state: "waiting", offset: 0, parents });
  const work = async (): Promise<void> => {
    for (let blob = waiting.shift(); blob; blob = waiting.shift()) {
      try {
        await pushBlob(pushing, blob, parents);
      } catch (error) {
        waiting.length = 0;
        throw error;
      }
    }
  };
  const done = await Promise.allSettled(Array.from({ length: concurrentLayers }, work));
  const failed = done.find((one) => one.status === "rejected");
  if (failed) throw failed.reason;
}

async function pushBlob(
  { content, to, options }: Pushing,
  target: Descriptor,
  parents: readonly Descriptor[],
): Promise<void> {
  const { onProgress, signal } = options;
  const labels = await labelsOf(content, target, parents);
  const mountFrom = mountCandidate(to.host, to.path, labels.own ?? labels.parent);
  const pushing = to.repository.pushBlob(
    target,
    (offset, length) => {
      if (!labels.own) throw notKept(to, target);
      return content.read(target.digest, { offset, length, ...(signal ? { signal } : {}) });
    },
    {
      onBytes: (offset) => onProgress?.({ target, state: "pushing", offset, parents }),
      ...(mountFrom === undefined ? {} : { mountFrom }),
      ...(signal ? { signal } : {}),
    },
  );
  let state;
  try {
    state = await pushing;
  } catch (error) {
    // A registry refuses other bytes than the digest's, in its own words.
    throw labels.own ? await explainFailure(content, target.digest, error) : error;
  }
  onProgress?.({ target, state, offset: target.size, parents });
}

/** Of a blob that is here, and of a layer's that is not: then its manifest says where it came from. */
async function labelsOf(
  content: ContentProvider,
  target: Descriptor,
  parents: readonly Descriptor[],
): Promise<{ readonly own?: Labels; readonly parent: Labels }> {
  const manifest = parents.at(-1);
  try {
    return { own: (await infoOf(content, target)).labels, parent: {} };
  } catch (error) {
    if (!hasCode(error, "not_found") || !manifest || !isLayer(target.mediaType)) throw error;
    return { parent: (await infoOf(content, manifest)).labels };
  }
}

function notKept({ host }: PushTarget, { digest }: Descriptor): Fault {
  const where = `its blob is not kept here, and ${host} does not have it`;
  return new Fault("failed_precondition", `Cannot push layer ${digest}: ${where}: ${waysBack}`);
}

async function present(content: ContentProvider, target: Descriptor): Promise<Descriptor> {
  await infoOf(content, target);
  return target;
}

async function infoOf(content: ContentProvider, { digest }: Descriptor): ReturnType<ContentProvider["info"]> {
  try {
    return await content.info(digest);
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
    const message = `content digest ${digest}: not found; was another platform pulled?`;
    throw new Fault("not_found", message, { cause: error });
  }
}
