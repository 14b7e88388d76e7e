import { mountRaw } from "./mount.ts";
import { MS } from "./mount-flags.ts";

/** Mounts the EROFS image in a file, read-only. Linux 6.12 and later, where the kernel was built for it. */
export function mountImage(image: string, target: string): void {
  mountRaw(image, target, "erofs", MS.RDONLY, null);
}
