import { rm } from "node:fs/promises";
import type { FileThreads } from "@slipway/layers/threads";
import { filesIn, hasImage, imageIn } from "./layer-folder.ts";

/**
 * Unpacks the image of a snapshot that is not committed yet, if it has one, into its `fs`: somebody is going to write.
 * Directories that the layer left out have in the image what they have below.
 */
export async function imageToFiles(folder: string, threads: FileThreads): Promise<void> {
  if (!hasImage(folder)) return;
  const image = imageIn(folder);
  await threads.extractImage(image, filesIn(folder), { whiteouts: "overlay" });
  await rm(image);
}
