import { readdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { Mount } from "@slipway/core/mounts/mount";
import { hasImage, imageIn, isFilesFolder } from "../layer-images/layer-folder.ts";
import { optionOf } from "./trees.ts";

/**
 * The layer image that is all that the upper mounts have more than the lower ones. What was applied there is in it byte for
 * byte, so that nothing need be compared.
 */
export async function layerImageBetween(
  lower: readonly Mount[],
  upper: readonly Mount[],
): Promise<string | undefined> {
  const [below, above] = [layersOf(lower), layersOf(upper)];
  const [top, ...rest] = above ?? [];
  if (!below || top === undefined || !isFilesFolder(top) || !hasImage(dirname(top))) return undefined;
  const isOnTop = rest.length > 0 ? sameList(rest, below) : await isEmptyView(below);
  return isOnTop ? imageIn(dirname(top)) : undefined;
}

/** Directories that are only read, the topmost first. */
function layersOf(mounts: readonly Mount[]): readonly string[] | undefined {
  const [only] = mounts.length === 1 ? mounts : [];
  if (only?.type === "bind") return only.options.includes("ro") ? [only.source] : undefined;
  if (only?.type !== "overlay" || optionOf(only, "upperdir") !== undefined) return undefined;
  return optionOf(only, "lowerdir")?.split(":");
}

/** What a snapshotter gives for a view of nothing. */
async function isEmptyView([only, ...more]: readonly string[]): Promise<boolean> {
  if (only === undefined || more.length > 0 || !isFilesFolder(only) || hasImage(dirname(only))) return false;
  return (await readdir(only)).length === 0;
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, index) => one === b[index]);
}
