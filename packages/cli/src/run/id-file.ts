import { rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Fault } from "@slipway/fault/fault";

/**
 * Checks before there is a container that `--cidfile` can be written.
 * @throws {Fault} `already_exists`, `invalid_argument`
 */
export function checkIdFile(path: string): void {
  if (path === "") throw refused(path, "no file is named");
  if (statOf(path)) {
    throw new Fault("already_exists", `Cannot write container id: "${path}" is there`);
  }
  if (!statOf(dirname(path))?.isDirectory()) throw refused(path, "its directory does not exist");
}

/** Writes it. @returns what removes it, should the container not be made */
export function writeIdFile(path: string, id: string): () => void {
  try {
    writeFileSync(path, id, { flag: "wx" });
  } catch (error) {
    throw refused(path, error instanceof Error && "code" in error ? String(error.code) : String(error));
  }
  return () => rmSync(path, { force: true });
}

function statOf(path: string): ReturnType<typeof statSync> {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    // A name that is too long, or below a file.
    return undefined;
  }
}

function refused(path: string, why: string): Fault {
  return new Fault("invalid_argument", `Cannot write container id to "${path}": ${why}`);
}
