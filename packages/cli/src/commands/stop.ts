import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { forEachContainer, MANY } from "../containers/find.ts";
import { stopContainer } from "../lifecycle/stop-container.ts";
import { addStopFlags, type StopFlags, stopOptions } from "../lifecycle/stop-flags.ts";

export function configure(command: Command, cli: Cli): void {
  addStopFlags(command)
    .argument("<container...>", "names or ids")
    .action(async (names: readonly string[], flags: StopFlags) => {
      const options = stopOptions(flags);
      const client = await cli.client();
      await forEachContainer(client, names, (container) => stopContainer(client, container, options), MANY);
    });
}
