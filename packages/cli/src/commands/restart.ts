import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { forEachContainer } from "../containers/find.ts";
import { readyToStart } from "../lifecycle/start-container.ts";
import { startDetached } from "../lifecycle/start-task.ts";
import { stopContainer } from "../lifecycle/stop-container.ts";
import { addStopFlags, type StopFlags, stopOptions } from "../lifecycle/stop-flags.ts";

export function configure(command: Command, cli: Cli): void {
  addStopFlags(command)
    .argument("<container...>", "names or ids")
    .action(async (names: readonly string[], flags: StopFlags) => {
      const client = await cli.client();
      await forEachContainer(client, names, async (container) => {
        await stopContainer(client, container, stopOptions(flags));
        const source = await readyToStart(client, container);
        if (source) await startDetached(client, source);
      });
    });
}
