import type { Command } from "commander";
import { parseSignal } from "@slipway/client/signals";
import { readInteger } from "@slipway/fault/read-number";
import type { StopOptions } from "./stop-container.ts";

/** How long a container may take to end: an int32 as in Docker; -1 is for ever. */
export const timeoutSeconds = { min: -1, max: 2 ** 31 - 1 };

export interface StopFlags {
  readonly time?: string;
  readonly timeout?: string;
  readonly signal?: string;
}

export function addStopFlags(command: Command): Command {
  return command
    .option("-t, --time <seconds>", "how long to wait before it is killed; -1 for ever")
    .option("--timeout <seconds>", "the same as --time")
    .option("-s, --signal <signal>", "what to send first");
}

export function stopOptions({ timeout, time = timeout, signal }: StopFlags): StopOptions {
  if (signal !== undefined) parseSignal(signal);
  return {
    ...(time === undefined ? {} : { timeoutSeconds: readInteger("--time", time, timeoutSeconds) }),
    ...(signal === undefined ? {} : { signal }),
  };
}
