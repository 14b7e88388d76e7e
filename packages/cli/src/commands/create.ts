import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { createContainer } from "../run/create.ts";
import { addRunFlags, type RunFlags } from "../run/flags.ts";

export function configure(command: Command, cli: Cli): void {
  addRunFlags(command)
    .helpOption("--help", "show this")
    .action(async (image: string, args: readonly string[], flags: RunFlags) => {
      const client = await cli.client();
      const { id } = await createContainer(client, cli.globals, image, args, flags);
      process.stdout.write(`${id}\n`);
    });
}
