import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { during } from "@slipway/fault/fault";

/**
 * Creates a directory and those above it that do not exist. Node's own way never returns where the kernel says ENOENT for a
 * directory that cannot be created, as in /proc.
 * @throws {Fault} with the system's error as its cause
 */
export function makeDirectories(path: string): void {
  const missing: string[] = [];
  for (let at = path; !statSync(at, { throwIfNoEntry: false }); at = dirname(at)) missing.push(at);
  try {
    for (const directory of missing.toReversed()) mkdirSync(directory);
  } catch (error) {
    throw during(`create directory "${path}"`, error);
  }
}
