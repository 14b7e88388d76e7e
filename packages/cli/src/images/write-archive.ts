import { createWriteStream, renameSync, rmSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { Fault } from "@slipway/fault/fault";

/**
 * Checks that an archive can be written to a path.
 * @throws {Fault} `invalid_argument`
 */
export function checkArchivePath(path: string): void {
  if (path === "") throw refused(path, "no file is named");
  if (statusOf(path)?.isDirectory()) throw refused(path, "it is a directory");
  if (!statusOf(dirname(path))?.isDirectory()) throw refused(path, "its directory does not exist");
}

/** Writes an archive to a file, which has its name only when it is whole: what was there stays until then. */
export async function writeArchive(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const before = statusOf(path);
  // A pipe or a device is written to as it is.
  if (before && !before.isFile()) return await pipeline(bytes, createWriteStream(path));
  const unfinished = `${path}.${process.pid}.unfinished`;
  try {
    await pipeline(bytes, createWriteStream(unfinished, { flags: "wx", mode: before?.mode ?? 0o666 }));
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // A name that is too long, or below a file.
    return undefined;
  }
}

function refused(path: string, why: string): Fault {
  return new Fault("invalid_argument", `Cannot write archive "${path}": ${why}`);
}
