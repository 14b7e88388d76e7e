import { attachLoop } from "./loop-device.ts";
import { mountRaw } from "./mount.ts";
import { MS } from "./mount-flags.ts";
import { isSystemError } from "./system-call.ts";

/**
 * Mounts the EROFS image in a file, read-only: from the file where the kernel can (Linux 6.12 and later, if built for
 * it), else by a loop device. Blocks of 512 bytes need Linux 6.4.
 * @param device the file that is the image's extra device, for one that has its data in there
 */
export function mountImage(image: string, target: string, device?: string): void {
  try {
    mountRaw(image, target, "erofs", MS.RDONLY, device === undefined ? null : `device=${device}`);
  } catch (error) {
    if (!isSystemError(error, "ENOTBLK")) throw error;
    mountImageByLoop(image, target, device);
  }
}

/** The devices go with the mount. */
export function mountImageByLoop(image: string, target: string, device?: string): void {
  using loop = attachLoop(image);
  using extra = device === undefined ? undefined : attachLoop(device);
  mountRaw(loop.path, target, "erofs", MS.RDONLY, extra ? `device=${extra.path}` : null);
}
