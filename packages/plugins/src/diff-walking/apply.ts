import { closeSync, openSync } from "node:fs";
import type { ContentProvider } from "@slipway/core/content";
import type { ApplyOptions } from "@slipway/core/diff";
import type { Mount } from "@slipway/core/mounts/mount";
import type { Logger } from "@slipway/core/plugin";
import { during, Fault } from "@slipway/fault/fault";
import type { ApplyLayerOptions } from "@slipway/layers/apply";
import type { FileThreads } from "@slipway/layers/threads";
import { isLayer, mediaTypes } from "@slipway/oci/media-types";
import type { Descriptor } from "@slipway/oci/descriptor";
import { isInUserNamespace } from "../snapshots-overlay/kernel-support.ts";
import { mountTemporarily } from "./mounted.ts";
import { optionOf } from "./trees.ts";

export interface DifferParts {
  readonly threads: FileThreads;
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
  { threads, stateDir, log }: DifferParts,
): Promise<Descriptor> {
  // A suffix of another kind, such as "+encrypted", is for stream processors.
  if (!isLayer(layer.mediaType) || !/^[^+]*(?:\+gzip|\+zstd)?$/.test(layer.mediaType)) {
    const what = `failed to get stream processor for ${layer.mediaType}`;
    throw new Fault("unknown", `${what}: no processor for media-type`);
  }
  await using undo = new AsyncDisposableStack();
  const target = await findTarget(mounts, stateDir, undo);
  const onIgnored = (what: string): void => log.warn(`ignored ${what} in archive`, { digest: layer.digest });
  const options: ApplyLayerOptions = { whiteouts: target.whiteouts, parents: target.parents, onIgnored };
  const read = content.read(layer.digest, signal ? { signal } : {});
  try {
    const { diffId, sizeBytes } = await threads.unpack(read, target.root, options, signal);
    if (syncFs) await sync(target.root);
    return { mediaType: mediaTypes.ociLayer, digest: diffId, size: sizeBytes };
  } catch (error) {
    throw during(`apply layer ${layer.digest}`, error);
  }
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
