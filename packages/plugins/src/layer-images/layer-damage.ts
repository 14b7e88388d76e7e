import { existsSync, statSync } from "node:fs";
import { messageOf } from "@slipway/fault/fault";
import { readImage } from "@slipway/layers/erofs/verify";
import { blobNoteIn, filesIn, imageIn } from "./layer-folder.ts";

/**
 * What is wrong with a layer's folder, as far as a look at it tells: it is asked before each use, so nothing is read but a
 * header. Whoever uses a layer without asking would find an empty directory where an image should be mounted.
 * @returns undefined if nothing is
 */
export function layerDamage(folder: string): string | undefined {
  const image = imageIn(folder);
  const found = statSync(image, { throwIfNoEntry: false });
  if (!found && existsSync(blobNoteIn(folder))) return `its image "${image}" is gone`;
  if (!statSync(filesIn(folder), { throwIfNoEntry: false })?.isDirectory()) {
    return `its directory "${filesIn(folder)}" is gone`;
  }
  return found && imageDamage(image, found.size);
}

function imageDamage(path: string, sizeBytes: number): string | undefined {
  try {
    const { imageBytes } = readImage(path);
    return imageBytes > sizeBytes ? `its image "${path}" is cut off` : undefined;
  } catch (error) {
    return `its image "${path}" cannot be read: ${messageOf(error)}`;
  }
}
