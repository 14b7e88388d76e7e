import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { isSystemError } from "./system-call.ts";

/**
 * mkdir(2) for a directory and those above it that do not exist. Node's own `recursive` never returns in a file system that
 * creates none, such as /proc, which says that the parent is missing: this is for every path that comes from outside.
 * Returns whether the directory is new.
 * @throws {SystemError} as mkdir(2)
 */
export function makeDirectories(path: string, mode = 0o777): boolean {
  const parent = dirname(path);
  if (parent !== path && !existsSync(parent)) makeDirectories(parent, mode);
  try {
    mkdirSync(path, { mode });
    return true;
  } catch (error) {
    // Somebody else may have created it meanwhile.
    const isThere = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
    if (isThere && isSystemError(error, "EEXIST", "EROFS")) return false;
    throw error;
  }
}
