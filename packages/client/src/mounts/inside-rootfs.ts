import { closeSync, constants, openSync, readlinkSync } from "node:fs";
import { posix } from "node:path";
import { readlinkAt } from "@slipway/linux/at";
import { O_PATH, openAt, RESOLVE } from "@slipway/linux/openat2";
import { isSystemError } from "@slipway/linux/system-call";

/** As many as runc follows (its filepath-securejoin). */
const maxSymlinks = 255;

/**
 * Where an absolute path of a container leads in its root file system at `root`, symlinks followed as the runtime does that
 * mounts there: none leads outside, and one to what does not exist leads to where that would be. Beyond that, what does not
 * exist is taken as it is written.
 */
export function resolveInside(root: string, path: string): string {
  const directory = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return existingPath(directory, path) ?? wantedPath(directory, path);
  } finally {
    closeSync(directory);
  }
}

/** Undefined if nothing is there. */
function existingPath(directory: number, path: string): string | undefined {
  return withFile(directory, path, 0, (fd) => {
    const [base, found] = [directory, fd].map((one) => readlinkSync(`/proc/self/fd/${one}`));
    return (base === "/" ? found : found?.slice(base?.length)) || "/";
  });
}

function wantedPath(directory: number, path: string): string {
  const parts = path.split("/");
  let at = "/";
  let symlinks = 0;
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const next = posix.join(at, part);
    const link = symlinks < maxSymlinks ? symlinkAt(directory, next) : undefined;
    if (link === undefined) at = next;
    else {
      symlinks++;
      if (link.startsWith("/")) at = "/";
      parts.unshift(...link.split("/"));
    }
  }
  return at;
}

/** What a symlink says; undefined for anything else, and for nothing. */
function symlinkAt(directory: number, path: string): string | undefined {
  return withFile(directory, path, constants.O_NOFOLLOW, (fd) => readlinkAt(fd, "").toString());
}

function withFile(
  directory: number,
  path: string,
  flags: number,
  use: (fd: number) => string,
): string | undefined {
  try {
    const fd = openAt(directory, path, O_PATH | flags, { resolve: RESOLVE.IN_ROOT });
    try {
      return use(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (isSystemError(error, "ENOENT", "ENOTDIR", "ELOOP", "EINVAL")) return undefined;
    throw error;
  }
}
