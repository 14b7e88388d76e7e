import { existsSync, lstatSync, readdirSync, writeFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Volume } from "@slipway/core/volumes";
import { Fault } from "@slipway/fault/fault";
import { copyTree } from "@slipway/layers/copy-tree";
import { resolveInside } from "../mounts/inside-rootfs.ts";
import { lockDirectory } from "../own-files/file-lock.ts";

/**
 * Fills a volume that is empty with what the image has at `target`: content, owners, modes and attributes, those of the
 * directory itself, too. One that somebody has filled is left as it is. `rootfs` is where the image is mounted.
 * @throws {Fault} `failed_precondition` if the image has a file there
 */
export async function copyUp({ mountpoint }: Volume, rootfs: string, target: string): Promise<void> {
  const source = join(rootfs, resolveInside(rootfs, target));
  const stat = lstatSync(source, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isDirectory()) {
    throw new Fault(
      "failed_precondition",
      `Cannot mount a volume at "${target}": the image has a file there`,
    );
  }
  // Several containers may be created with it at once.
  using _ = await lockDirectory(dirname(mountpoint));
  const mark = join(dirname(mountpoint), ".copying");
  if (existsSync(mark)) await removeContent(mountpoint);
  else if (readdirSync(mountpoint).length > 0) return;
  // What an interrupted copy leaves must not pass for what somebody has filled.
  writeFileSync(mark, "");
  // Without threads and promises: it is the content of one directory of an image, and calls one after the other are fastest.
  copyTree(source, mountpoint);
  await rm(mark);
}

async function removeContent(directory: string): Promise<void> {
  for (const entry of await readdir(directory)) await rm(join(directory, entry), { recursive: true });
}
