import { readdirSync, statSync } from "node:fs";

/** The names of the folders in a folder; none where that is not there. */
export function foldersIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}

/** When something was made, renamed or filled last, in milliseconds since the epoch; now when it is gone. */
export function changedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ctimeMs ?? Date.now();
}
