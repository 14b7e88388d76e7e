import { join } from "node:path";
import type { Command } from "commander";
import { Fault } from "@slipway/fault/fault";
import type { Cli } from "../cli.ts";
import { findContainer } from "../containers/find.ts";
import { stateWord, taskOf } from "../containers/state.ts";
import { type LogEntry, readLog } from "../logs/read-log.ts";
import { parseTime } from "../format/parse-time.ts";

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
    .action(async (name: string, flags: LogsFlags) => {
      const client = await cli.client();
      const { id, labels } = await findContainer(client, name);
      const folder = labels["nerdctl/state-dir"];
      if (folder === undefined || labels["nerdctl/log-uri"] === undefined) {
        throw new Fault("failed_precondition", `Container "${name}" keeps no log`);
      }
      const tail = flags.tail === "all" ? Infinity : Number(flags.tail);
      if (Number.isNaN(tail))
        throw new Fault("invalid_argument", `Cannot read --tail "${flags.tail}": it is no number`);
      const since = flags.since === undefined ? undefined : parseTime(flags.since);
      const until = flags.until === undefined ? undefined : parseTime(flags.until);
      const runs = stateWord(await taskOf(client, id)) === "running";
      const ended = new AbortController();
      if (flags.follow && runs) {
        void client.tasks.wait({ containerId: id }).then(
          () => ended.abort(),
          () => ended.abort(),
        );
      }
      const file = join(folder, `${id}-json.log`);
      const followed = flags.follow && runs ? { until: ended.signal } : undefined;
      for await (const entry of readLog(file, { tail, ...(followed ? { follow: followed.until } : {}) })) {
        if (since && entry.time < since) continue;
        if (until && entry.time > until) break;
        print(entry, flags.timestamps ?? false);
      }
    });
}

function print({ log, stream, time }: LogEntry, timestamps: boolean): void {
  const output = stream === "stderr" ? process.stderr : process.stdout;
  output.write(timestamps ? `${time.toISOString()} ${log}` : log);
}
