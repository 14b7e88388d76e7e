import { join } from "node:path";
import { logUriLabel } from "@slipway/client/container-task";
import type { Labels } from "@slipway/core/labels";
import { Fault } from "@slipway/fault/fault";
import { defaultLimits, formatLogUri, type LogTarget, parseLimits, parseLogUri } from "@slipway/logs/log-uri";
import { keyValues } from "../run/key-values.ts";

const logger = new URL("../../../../bin/slipway-logger", import.meta.url).pathname;

export interface LogFlags {
  readonly logDriver: string;
  readonly logOpt: readonly string[];
}

/**
 * The URI of a new container's log, from its flags. Our shim writes the log itself; for others it is a program's work, whose
 * only argument is that same URI.
 * @throws {Fault} `invalid_argument` for a driver or an option that does not exist
 */
export function newLogUri(
  { logDriver, logOpt }: LogFlags,
  folder: string,
  id: string,
  runtime: string,
): string | undefined {
  if (logDriver === "none") return undefined;
  if (logDriver !== "json-file") {
    throw new Fault("invalid_argument", `Cannot use log driver "${logDriver}": there are json-file and none`);
  }
  const limits = parseLimits(keyValues(logOpt));
  const file = join(folder, `${id}-json.log`);
  if (runtime !== "io.containerd.slipway.v1") {
    return `binary://${logger}?${encodeURIComponent(formatLogUri({ ...limits, file }))}=`;
  }
  // A socket's path may have 107 bytes: the folder's has too many.
  return formatLogUri({ ...limits, file, attach: join("/run/slipway/attach", id) });
}

/** A container's log as its labels name it; nothing when it keeps none, or none that is a file of ours or nerdctl's. */
export function logTargetOf({
  id,
  labels,
}: {
  readonly id: string;
  readonly labels: Labels;
}): LogTarget | undefined {
  const [uri, folder] = [labels[logUriLabel], labels["nerdctl/state-dir"]];
  if (uri === undefined || folder === undefined) return undefined;
  const own = uri.startsWith("binary:")
    ? decodeURIComponent(uri.split("?", 2)[1] ?? "").replace(/=$/, "")
    : uri;
  return own.startsWith("json-file:")
    ? parseLogUri(own)
    : { ...defaultLimits, file: join(folder, `${id}-json.log`) };
}
