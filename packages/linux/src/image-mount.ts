import { attachLoop } from "./loop-device.ts";
import { mountRaw } from "./mount.ts";
import { MS } from "./mount-flags.ts";
import { isSystemError } from "./system-call.ts";

/**
 * Mounts the EROFS image in a file, read-only: from the file where the kernel can (Linux 6.12 and later, if built for
 * it), else by a loop device. Blocks of 512 bytes need Linux 6.4.
 */
export function mountImage(image: string, target: string): void {
  try {
    mountRaw(image, target, "erofs", MS.RDONLY, null);
  } catch (error) {
    if (!isSystemError(error, "ENOTBLK")) throw error;
    mountImageByLoop(image, target);
  }
}

/** The device goes with the mount. */
export function mountImageByLoop(image: string, target: string): void {
  using device = attachLoop(image);
  mountRaw(device.path, target, "erofs", MS.RDONLY, null);
}
