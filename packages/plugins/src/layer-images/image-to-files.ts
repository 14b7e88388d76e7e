import { open, rm } from "node:fs/promises";
import type { FileThreads } from "@slipway/layers/threads";
import { blobNoteIn, filesIn, hasImage, imageIn } from "./layer-folder.ts";

/**
 * Unpacks a snapshot's image, if it has one that is not mounted, into its `fs`: somebody is going to write, or no kernel
 * mounts it. `sync`: the image is the only copy there is. Directories that the layer left out have in the image what they have below.
 */
export async function imageToFiles(
  folder: string,
  threads: FileThreads,
  { sync = false }: { readonly sync?: boolean } = {},
): Promise<void> {
  if (!hasImage(folder)) return;
  const files = filesIn(folder);
  await threads.extractImage(imageIn(folder), files, { whiteouts: "overlay" });
  if (sync) await syncTree(files);
  // In this order: a note without an image means that the image was lost.
  await rm(blobNoteIn(folder), { force: true });
  await rm(imageIn(folder));
}

async function syncTree(path: string): Promise<void> {
  const { syncFileSystem } = await import("@slipway/linux/sync");
  await using directory = await open(path, "r");
  await syncFileSystem(directory.fd);
}
