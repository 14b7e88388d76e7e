import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { isSystemError } from "@slipway/linux/system-call";

/**
 * Makes a directory and those above it. Node's own recursive mkdir never ends in a file system that makes none, such as
 * /proc, which says that the parent is missing.
 */
export async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    const parent = dirname(path);
    if (isSystemError(error, "EEXIST") && (await stat(path)).isDirectory()) return;
    if (!isSystemError(error, "ENOENT") || parent === path || (await isThere(parent))) throw error;
    await makeFolder(parent, mode);
    await mkdir(path, { mode });
  }
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
