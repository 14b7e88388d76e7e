import { Fault } from "@slipway/fault/fault";
import type { Labels } from "./labels.ts";

/**
 * `old` with the labels that `fieldPaths` name (`labels` for all, `labels.NAME`) taken from `changed`; without paths all
 * are replaced. A label set to nothing goes. Other paths are the caller's.
 */
export function maskLabels(old: Labels, changed: Labels, fieldPaths: readonly string[] = ["labels"]): Labels {
  let labels: Record<string, string> = { ...old };
  for (const path of fieldPaths) {
    if (path === "labels") labels = { ...changed };
    else if (path.startsWith("labels.")) {
      const name = path.slice("labels.".length);
      labels[name] = changed[name] ?? "";
    }
  }
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ""));
}

/** @throws {Fault} `invalid_argument` for a path that is neither `labels` nor below it */
export function onlyLabelPaths(fieldPaths: readonly string[], subject: string): void {
  for (const path of fieldPaths) {
    if (path === "labels" || path.startsWith("labels.")) continue;
    throw new Fault("invalid_argument", `cannot update "${path}" field on ${subject}: invalid argument`);
  }
}
