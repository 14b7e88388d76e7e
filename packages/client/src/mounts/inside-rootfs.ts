import { closeSync, constants, openSync, readlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { O_PATH, openAt, RESOLVE } from "@slipway/linux/openat2";
import { isSystemError } from "@slipway/linux/system-call";

/**
 * Where an absolute path of a container leads in its root file system at `root`, symlinks followed as the container would:
 * none leads outside. What does not exist yet is taken as it is written.
 */
export function resolveInside(root: string, path: string): string {
  const directory = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const base = readlinkSync(`/proc/self/fd/${directory}`);
    return resolveBelow(directory, base, path);
  } finally {
    closeSync(directory);
  }
}

function resolveBelow(directory: number, base: string, path: string): string {
  if (path === "/") return path;
  try {
    const fd = openAt(directory, path, O_PATH, { resolve: RESOLVE.IN_ROOT });
    try {
      const found = readlinkSync(`/proc/self/fd/${fd}`);
      return (base === "/" ? found : found.slice(base.length)) || "/";
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (!isSystemError(error, "ENOENT", "ENOTDIR", "ELOOP")) throw error;
    return join(resolveBelow(directory, base, dirname(path)), path.slice(path.lastIndexOf("/") + 1));
  }
}
