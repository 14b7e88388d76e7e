import { createReadStream, existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { inheritAttributes } from "@slipway/layers/apply";
import { readImage, tarRange } from "@slipway/layers/erofs/verify";
import type { FileThreads } from "@slipway/layers/threads";
import { filesIn, guessesIn, hasImage, imageIn, newImageIn } from "./layer-folder.ts";

/** Whether a layer that was unpacked without a parent has directories that it left out. */
export function guessesDirectories(folder: string): boolean {
  return hasImage(folder) ? readImage(imageIn(folder)).guessesDirectories : existsSync(guessesIn(folder));
}

/**
 * Gives those directories what they have below: in a stack, the topmost says what a directory is like. It is seldom
 * needed, since most layers name the directories that their files are in, so an image is just written again.
 * @param parents the directories of the layers below, topmost first
 */
export async function inheritDirectories(
  folder: string,
  parents: readonly string[],
  threads: FileThreads,
): Promise<void> {
  const [image, files] = [imageIn(folder), filesIn(folder)];
  if (hasImage(folder)) {
    const { start, end } = tarRange(image);
    const tar = createReadStream(image, { start, end: end - 1, highWaterMark: 1 << 20 });
    await threads.unpackImage(tar, newImageIn(folder), { root: files, parents });
    await rename(newImageIn(folder), image);
  } else {
    inheritAttributes(files, guessesIn(folder), parents);
    await rm(guessesIn(folder));
  }
}
