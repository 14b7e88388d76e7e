import { existsSync } from "node:fs";
import { readdir, rename, rm, unlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Digest } from "@slipway/oci/digest";
import { isSystemError } from "@slipway/linux/system-call";

/*
 * What snapshotter and differ agree upon in a snapshot's folder, such that any client may carry the mounts from one to
 * the other: `fs` has the files. Where `image-wanted` is, a layer that is applied to the empty `fs` becomes the image
 * `layer.erofs` instead, which is mounted on `fs` while something uses it; `layer-blob` names the blob that it was made
 * of.
 */

/** Paths below a snapshot's folder. */
export const filesIn = (folder: string): string => join(folder, "fs");
export const workIn = (folder: string): string => join(folder, "work");
export const imageIn = (folder: string): string => join(folder, "layer.erofs");
const wishIn = (folder: string): string => join(folder, "image-wanted");
/** A file that has the digest of the blob that the image was made of. */
export const blobNoteIn = (folder: string): string => join(folder, "layer-blob");

/** A file with the paths of directories that a layer left out and that were made before its parent was known. */
export const guessesIn = (folder: string): string => join(folder, "guessed-directories");

/** Says that the snapshot takes a layer as an image. */
export async function wantImage(folder: string): Promise<void> {
  await writeFile(wishIn(folder), "");
}

/** Takes the wish back. @returns whether there was one */
export async function unwantImage(folder: string): Promise<boolean> {
  try {
    await unlink(wishIn(folder));
    return true;
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return false;
    throw error;
  }
}

export function hasImage(folder: string): boolean {
  return existsSync(imageIn(folder));
}

/** Whether this may be the `fs` of some snapshot's folder. */
export function isFilesFolder(path: string): boolean {
  return basename(path) === "fs";
}

/** The folder of the snapshot whose files are in `files`, if a layer is to become an image there. */
export async function folderWantingImage(files: string): Promise<string | undefined> {
  const folder = dirname(files);
  const isWanted = isFilesFolder(files) && existsSync(wishIn(folder));
  return isWanted && (await readdir(files)).length === 0 ? folder : undefined;
}

/** Where an image is written before it is the snapshot's. */
export function newImageIn(folder: string): string {
  return `${imageIn(folder)}.new`;
}

/**
 * Makes the new image the snapshot's, made of `blob`.
 * @returns false when somebody asked for the snapshot's mounts meanwhile and is going to see `fs`
 */
export async function adoptImage(folder: string, blob: Digest): Promise<boolean> {
  await writeFile(blobNoteIn(folder), blob);
  if (!(await unwantImage(folder))) {
    await rm(newImageIn(folder));
    // A note without an image means that the image was lost.
    await rm(blobNoteIn(folder));
    return false;
  }
  await rename(newImageIn(folder), imageIn(folder));
  return true;
}
