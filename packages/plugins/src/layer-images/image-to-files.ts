import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { tarRange } from "@slipway/layers/erofs/verify";
import type { FileThreads } from "@slipway/layers/threads";
import { filesIn, hasImage, imageIn } from "./layer-folder.ts";

/**
 * Unpacks the image of a snapshot that is not committed yet, if it has one, into its `fs`: somebody is going to write.
 * @param parents the directories of the layers below, topmost first
 */
export async function imageToFiles(
  folder: string,
  parents: readonly string[],
  threads: FileThreads,
): Promise<void> {
  if (!hasImage(folder)) return;
  const image = imageIn(folder);
  const { start, end } = tarRange(image);
  const tar = createReadStream(image, { start, end: end - 1, highWaterMark: 1 << 20 });
  await threads.unpack(tar, filesIn(folder), { whiteouts: "overlay", parents });
  await rm(image);
}
