import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { isSystemError } from "@slipway/linux/system-call";

/**
 * Makes a folder and those above it. Not with Node's `recursive`: where a folder cannot be made although the one above it is
 * there (/proc), that tries again for ever, and a shim serves many containers.
 */
export function makeFolder(path: string, mode: number): void {
  const parent = dirname(path);
  if (parent !== path && !existsSync(parent)) makeFolder(parent, mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (!isSystemError(error, "EEXIST")) throw error;
  }
}
