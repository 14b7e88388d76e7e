import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { Command } from "commander";
import { Fault } from "@slipway/fault/fault";
import { anyInteger, readInteger } from "@slipway/fault/read-number";
import { type LogEntry, readLog } from "@slipway/logs/read-log";
import type { Cli } from "../cli.ts";
import { findContainer } from "../containers/find.ts";
import { containerStateWord, taskOf } from "../containers/state.ts";
import { abortAt } from "../format/abort-at.ts";
import { parseTime } from "../format/parse-time.ts";
import { endOfAttach, followEnd } from "../logs/follow-end.ts";
import { logTargetOf } from "../logs/log-target.ts";

interface LogsFlags {
  readonly follow?: boolean;
  readonly tail: string;
  readonly since?: string;
  readonly until?: string;
  readonly timestamps?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  command
    .argument("<container>", "name or id")
    .option("-f, --follow", "go on with what comes")
    .option("-n, --tail <lines>", "only the last ones", "all")
    .option("--since <time>", "not before: a date, or how long ago, such as 10m")
    .option("--until <time>", "not after")
    .option("-t, --timestamps", "show when")
    .option("--details", "accepted for Docker's sake: logs have no further attributes")
    .action(async (name: string, flags: LogsFlags) => {
      const client = await cli.client();
      const container = await findContainer(client, name);
      const log = logTargetOf(container);
      if (!log) throw new Fault("failed_precondition", `Container "${name}" keeps no log`);
      const { tail, since, until } = rangeOf(flags);
      const state = containerStateWord(container, await taskOf(client, container.id));
      const runs = ["running", "paused", "restarting"].includes(state);
      if (!existsSync(dirname(log.file))) {
        throw new Fault("failed_precondition", `Container "${name}" has no log yet, or no longer one`);
      }
      const end = new AbortController();
      let failure: unknown;
      if (runs && flags.follow) {
        void followEnd(client, container.id, log)
          .catch((error: unknown) => (failure = error))
          .finally(() => end.abort());
        if (until) abortAt(end, until);
      } else if (state === "exited") {
        // Its last words may be on their way from the pipe to the log.
        await endOfAttach(log);
      }
      const show = printer(flags.timestamps ?? false);
      let damaged = 0;
      for await (const entry of readLog(log.file, {
        tail,
        ...(since ? { since } : {}),
        ...(until ? { until } : {}),
        ...(runs && flags.follow ? { follow: end.signal } : {}),
        onDamage: () => (damaged += 1),
      })) {
        show(entry);
      }
      if (damaged > 0) {
        process.stderr.write(
          `slipway: the log of "${name}" is damaged at ${damaged} places, which are left out\n`,
        );
      }
      if (failure !== undefined) throw failure;
    });
}

function rangeOf({ tail, since, until }: LogsFlags): { tail: number; since?: Date; until?: Date } {
  // Of less than none, Docker shows all.
  const lines = tail === "all" ? -1 : readInteger("--tail", tail, anyInteger);
  return {
    tail: lines < 0 ? Infinity : lines,
    ...(since === undefined ? {} : { since: parseTime(since) }),
    ...(until === undefined ? {} : { until: parseTime(until) }),
  };
}

/** Says when at the beginning of a line, not of each part of a long one. */
function printer(timestamps: boolean): (entry: LogEntry) => void {
  const begins = { stdout: true, stderr: true };
  return ({ log, stream, time }) => {
    process[stream].write(timestamps && begins[stream] ? `${time} ${log}` : log);
    begins[stream] = log.endsWith("\n");
  };
}
