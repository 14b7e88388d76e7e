import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "@slipway/fault/fault";
import { ImageFile } from "@slipway/layers/erofs/image-file";
import { tryPrefix } from "../snapshots-overlay/kernel-support.ts";
import { encodeHeader, endOfArchive } from "@slipway/layers/tar/encoder";

/**
 * Tries whether the kernel mounts a layer image below `root`, and an overlay upon it: a version says neither how the
 * kernel was built nor what `root` is on.
 * @returns why not, or nothing when all is well
 */
export async function whyNoImages(
  root: string,
  mountOptions: readonly string[],
): Promise<string | undefined> {
  const folder = mkdtempSync(join(root, tryPrefix));
  const at = (name: string): string => join(folder, name);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => rmSync(folder, { recursive: true }));
  try {
    const { mount, unmountAll } = await import("@slipway/linux/mount");
    const { mountImage } = await import("@slipway/linux/image-mount");
    for (const name of ["fs", "lower", "upper", "work", "merged"]) mkdirSync(at(name));
    writeImage(at("layer.erofs"));
    mountImage(at("layer.erofs"), at("fs"));
    undo.defer(() => unmountAll(at("fs")));
    const directories = [
      `lowerdir=${at("fs")}:${at("lower")}`,
      `upperdir=${at("upper")}`,
      `workdir=${at("work")}`,
    ];
    mount({ type: "overlay", source: "overlay", options: [...directories, ...mountOptions] }, at("merged"));
    undo.defer(() => unmountAll(at("merged")));
    return existsSync(join(at("merged"), "there"))
      ? undefined
      : "what is in them does not show in an overlay";
  } catch (error) {
    return messageOf(error);
  }
}

/** Here: a thread for it would keep the first layers waiting. */
function writeImage(path: string): void {
  using image = new ImageFile(path, { uid: 0, gid: 0, mode: 0o755 }, {});
  image.write(encodeHeader({ type: "directory", name: "there", mode: 0o755 }));
  image.write(endOfArchive);
  image.finish();
}
