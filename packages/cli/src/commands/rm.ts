import type { Command } from "commander";
import { Fault } from "@slipway/fault/fault";
import type { Cli } from "../cli.ts";
import { forEachContainer, MANY } from "../containers/find.ts";
import { stateWord, taskOf } from "../containers/state.ts";
import { markStopped } from "../lifecycle/restart-labels.ts";
import { deleteTask, removeContainer } from "../lifecycle/remove-container.ts";
import { stopContainer } from "../lifecycle/stop-container.ts";

interface RemoveFlags {
  readonly force?: boolean;
  readonly volumes?: boolean;
}

export function configure(command: Command, cli: Cli): void {
  command
    .argument("<container...>", "names or ids")
    .option("-f, --force", "kill it when it runs")
    .option("-v, --volumes", "remove the volumes as well that were created with it and have no name")
    .action(async (names: readonly string[], { force = false, volumes = false }: RemoveFlags) => {
      const client = await cli.client();
      await forEachContainer(
        client,
        names,
        async (container) => {
          const state = stateWord(await taskOf(client, container.id));
          if (state === "running" || state === "paused") {
            if (!force) {
              const why = `it is ${state}; stop it first, or use --force`;
              throw new Fault("failed_precondition", `Cannot remove container "${container.id}": ${why}`);
            }
            await stopContainer(client, container, { timeoutSeconds: 0 });
          } else {
            await markStopped(client, container);
          }
          await deleteTask(client, container.id);
          await removeContainer(client, container, { volumes });
        },
        MANY,
      );
    });
}
