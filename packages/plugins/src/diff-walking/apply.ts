import { closeSync, openSync } from "node:fs";
import { lstat } from "node:fs/promises";
import { dirname } from "node:path";
import type { ContentProvider } from "@slipway/core/content";
import type { ApplyOptions } from "@slipway/core/diff";
import type { Mount } from "@slipway/core/mounts/mount";
import type { Logger } from "@slipway/core/plugin";
import { during, Fault, namingPlace } from "@slipway/fault/fault";
import type { ApplyLayerOptions } from "@slipway/layers/apply";
import type { UnpackedLayer } from "@slipway/layers/unpack";
import type { FileThreads, UnpackImageOptions } from "@slipway/layers/threads";
import { aheadRoot } from "@slipway/layers/ahead-root";
import { isLayer, mediaTypes } from "@slipway/oci/media-types";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Digest } from "@slipway/oci/digest";
import { imageToFiles } from "../layer-images/image-to-files.ts";
import {
  adoptImage,
  guessesIn,
  folderWantingImage,
  isFilesFolder,
  newImageIn,
} from "../layer-images/layer-folder.ts";
import type { LayersAhead } from "../layers-ahead/layers-ahead.ts";
import { isInUserNamespace } from "../snapshots-overlay/kernel-support.ts";
import { mountTemporarily } from "./mounted.ts";
import { optionOf } from "./trees.ts";

export interface DifferParts {
  readonly threads: FileThreads;
  readonly ahead: LayersAhead;
  /** Has the mounts that comparing and applying need for a while. */
  readonly stateDir: string;
  readonly log: Logger;
}

/** Applies a layer onto mounts. Defined by containerd's core/diff/apply. */
export async function applyBlob(
  content: ContentProvider,
  layer: Descriptor,
  mounts: readonly Mount[],
  { syncFs, signal }: ApplyOptions,
  parts: DifferParts,
): Promise<Descriptor> {
  const { threads, stateDir, log } = parts;
  // A suffix of another kind, such as "+encrypted", is for stream processors.
  if (!isLayer(layer.mediaType) || !/^[^+]*(?:\+gzip|\+zstd)?$/.test(layer.mediaType)) {
    const what = `failed to get stream processor for ${layer.mediaType}`;
    throw new Fault("unknown", `${what}: no processor for media-type`);
  }
  await using undo = new AsyncDisposableStack();
  const onIgnored = (what: string): void => log.warn(`ignored ${what} in archive`, { digest: layer.digest });
  const read = content.read(layer.digest, signal ? { signal } : {});
  const inside = filesOf(mounts);
  try {
    const folder = inside && (await folderWantingImage(inside.root));
    if (inside && folder !== undefined) {
      const options = { root: inside.root, parents: inside.parents, onIgnored };
      const made = await imageMadeAhead(layer.digest, newImageIn(folder), options, parts);
      const written = made ?? (await threads.unpackImage(read, newImageIn(folder), options, signal));
      if (syncFs) await sync(inside.root);
      if (await adoptImage(folder, layer.digest)) return described(written);
      // It wants files now.
      return await applyBlob(content, layer, mounts, signal ? { signal } : {}, parts);
    }
    // What was applied there before is an image, and no place to write to.
    if (inside && isFilesFolder(inside.root)) await imageToFiles(dirname(inside.root), threads);
    const target = await findTarget(mounts, stateDir, undo);
    const noteGuesses =
      target.parents.length === 0 && isFilesFolder(target.root)
        ? { noteGuesses: guessesIn(dirname(target.root)) }
        : {};
    const options: ApplyLayerOptions = {
      whiteouts: target.whiteouts,
      parents: target.parents,
      onIgnored,
      ...noteGuesses,
    };
    const unpacked = await threads.unpack(read, target.root, options, signal);
    if (syncFs) await sync(target.root);
    return described(unpacked);
  } catch (error) {
    throw during(`apply layer ${layer.digest}`, inside ? namingPlace(inside.root, error) : error);
  }
}

/** The layer's image, now at `path`, if it was made while the blob came. */
async function imageMadeAhead(
  digest: Digest,
  path: string,
  { root, parents = [], onIgnored }: UnpackImageOptions,
  { ahead, threads }: DifferParts,
): Promise<UnpackedLayer | undefined> {
  const made = await ahead.take(digest, path);
  if (!made) return undefined;
  for (const what of made.ignored) onIgnored?.(what);
  const { uid, gid, mode } = await lstat(root);
  const hasUsualRoot = uid === aheadRoot.uid && gid === aheadRoot.gid && (mode & 0o7777) === aheadRoot.mode;
  const isDone = hasUsualRoot && !(made.guessesDirectories && parents.length > 0);
  return isDone ? made : await threads.reindexImage(path, { root, parents });
}

function described({ diffId, sizeBytes }: UnpackedLayer): Descriptor {
  return { mediaType: mediaTypes.ociLayer, digest: diffId, size: sizeBytes };
}

/** Where what is written to the mounts ends up, and the directories of the layers below. */
function filesOf(mounts: readonly Mount[]): { root: string; parents: readonly string[] } | undefined {
  const [only] = mounts.length === 1 ? mounts : [];
  if (only?.type === "bind" && !only.options.includes("ro")) return { root: only.source, parents: [] };
  const upper = only?.type === "overlay" ? optionOf(only, "upperdir") : undefined;
  if (!only || upper === undefined) return undefined;
  return { root: upper, parents: optionOf(only, "lowerdir")?.split(":") ?? [] };
}

interface Target extends Pick<ApplyLayerOptions, "whiteouts"> {
  readonly root: string;
  readonly parents: readonly string[];
}

async function findTarget(
  mounts: readonly Mount[],
  stateDir: string,
  undo: AsyncDisposableStack,
): Promise<Target> {
  const [only] = mounts.length === 1 ? mounts : [];
  // Into the upper directory itself: through the mount, the kernel would look for every new file in every layer. A user
  // namespace cannot make the devices that are whiteouts there.
  if (only?.type === "overlay" && !isInUserNamespace()) {
    const upper = optionOf(only, "upperdir");
    const lower = optionOf(only, "lowerdir");
    if (upper !== undefined) return { root: upper, whiteouts: "overlay", parents: lower?.split(":") ?? [] };
  }
  const mounted = undo.use(await mountTemporarily(mounts, stateDir));
  return { root: mounted.path, whiteouts: "delete", parents: [] };
}

async function sync(root: string): Promise<void> {
  const { syncFileSystem } = await import("@slipway/linux/sync");
  const fd = openSync(root, "r");
  try {
    await syncFileSystem(fd);
  } finally {
    closeSync(fd);
  }
}
