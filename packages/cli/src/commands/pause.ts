import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { forEachContainer } from "../containers/find.ts";

export function configure(command: Command, cli: Cli): void {
  command.argument("<container...>", "names or ids").action(async (names: readonly string[]) => {
    const client = await cli.client();
    await forEachContainer(client, names, ({ id }) => client.tasks.pause(id));
  });
}
