import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { findContainer } from "../containers/find.ts";

export function configure(command: Command, cli: Cli): void {
  command.argument("<container...>", "names or ids").action(async (names: readonly string[]) => {
    const client = await cli.client();
    for (const name of names) {
      const { id } = await findContainer(client, name);
      const { exitStatus } = await client.tasks.wait({ containerId: id });
      process.stdout.write(`${exitStatus}\n`);
    }
  });
}
