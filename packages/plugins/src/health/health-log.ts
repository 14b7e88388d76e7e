import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ownDirectory } from "@slipway/client/host-directories";
import { formatHealthResult, healthLogName, type HealthResult } from "@slipway/core/health";
import type { Container } from "@slipway/core/containers";
import { makeDirectories } from "@slipway/linux/make-directories";

const KEPT = 5;

/** Adds a result to the log in the container's own folder, as nerdctl keeps it; without a folder there is none. */
export function logHealthResult(container: Container, result: HealthResult): void {
  const folder = ownDirectory(container);
  if (folder === undefined) return;
  const path = join(folder, healthLogName);
  makeDirectories(folder, 0o700);
  const lines = [...readLines(path), formatHealthResult(result)].slice(-KEPT);
  writeFileSync(`${path}.new`, `${lines.join("\n")}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n").filter(Boolean);
  } catch {
    return [];
  }
}
