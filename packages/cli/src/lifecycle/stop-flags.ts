import type { Command } from "commander";
import { Fault } from "@slipway/fault/fault";
import type { StopOptions } from "./stop-container.ts";

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
  if (time !== undefined && !/^(?:\d+|-1)$/.test(time)) {
    throw new Fault("invalid_argument", `Cannot read --time "${time}": it is no number of seconds`);
  }
  return {
    ...(time === undefined ? {} : { timeoutSeconds: Number(time) }),
    ...(signal === undefined ? {} : { signal }),
  };
}
