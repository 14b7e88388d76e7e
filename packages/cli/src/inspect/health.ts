import { readFileSync } from "node:fs";
import { join } from "node:path";
import { healthcheckConfigOf, healthLogName, healthStateOf } from "@slipway/core/health";
import type { Labels } from "@slipway/core/labels";
import { parseJson } from "@slipway/oci/documents/json-field";
import { readable } from "../containers/readable.ts";

/** `State.Health` of `docker inspect`: nothing for a container that is not checked. */
export function inspectHealth(labels: Labels): Record<string, unknown> {
  const state = healthStateOf(labels);
  if (!state) return {};
  const { status, failingStreak } = state;
  return { Health: { Status: status, FailingStreak: failingStreak, Log: lastResults(labels) } };
}

/** `Config.Healthcheck`. */
export function inspectHealthcheck(labels: Labels): Record<string, unknown> {
  const config = healthcheckConfigOf(labels);
  return config ? { Healthcheck: config } : {};
}

function lastResults(labels: Labels): unknown[] {
  const folder = labels["nerdctl/state-dir"];
  if (folder === undefined) return [];
  try {
    const lines = readFileSync(join(folder, healthLogName), "utf8").split("\n").filter(Boolean);
    return lines
      .slice(-KEPT)
      .flatMap((line) => readable(() => parseJson("health log", line).others([])) ?? []);
  } catch {
    // No probe was made yet, or the daemon is on another machine.
    return [];
  }
}
const KEPT = 5;
