import { execFileSync } from "node:child_process";
import type { Command } from "commander";
import type { Client } from "@slipway/client/client";
import { Fault, hasCode } from "@slipway/fault/fault";
import type { Cli } from "../cli.ts";
import { findContainer } from "../containers/find.ts";

export function configure(command: Command, cli: Cli): void {
  command
    .argument("<container>", "name or id")
    .argument("[options...]", "of ps; -ef unless told")
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (name: string, options: readonly string[]) => {
      const client = await cli.client();
      const { id } = await findContainer(client, name);
      const pids = await pidsOf(client, name, id);
      // The host's ps knows all processes; those of the container are picked by its PID column.
      const [head = "", ...lines] = execFileSync("ps", options.length > 0 ? [...options] : ["-ef"], {
        encoding: "utf8",
      })
        .trimEnd()
        .split("\n");
      const column = head.trim().split(/\s+/).indexOf("PID");
      if (column < 0)
        throw new Fault("invalid_argument", "Cannot pick processes: ps was asked for no PID column");
      const own = lines.filter((line) => pids.has(line.trim().split(/\s+/)[column] ?? ""));
      process.stdout.write([head, ...own].map((line) => `${line}\n`).join(""));
    });
}

/** @throws {Fault} `failed_precondition` for a container that does not run, which Docker refuses, too */
async function pidsOf(client: Client, name: string, id: string): Promise<ReadonlySet<string>> {
  const processes = await client.tasks.pids(id).catch((error: unknown) => {
    if (hasCode(error, "not_found")) return [];
    throw error;
  });
  if (processes.length === 0) {
    throw new Fault("failed_precondition", `Cannot list processes of container "${name}": it is not running`);
  }
  return new Set(processes.map(({ pid }) => String(pid)));
}
