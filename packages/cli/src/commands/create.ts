import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { createContainer } from "../run/create.ts";
import { addRunFlags, requestOf, type RunFlags } from "../run/flags.ts";

export function configure(command: Command, cli: Cli): void {
  addRunFlags(command)
    .helpOption("--help", "show this")
    .action(async (first: string | undefined, rest: readonly string[], flags: RunFlags) => {
      const request = requestOf(first, rest, flags);
      const client = await cli.client();
      const { id } = await createContainer(client, cli.globals, request, flags);
      process.stdout.write(`${id}\n`);
    });
}
