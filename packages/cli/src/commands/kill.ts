import type { Command } from "commander";
import { Fault } from "@slipway/fault/fault";
import type { Cli } from "../cli.ts";
import { stopSignalOf } from "../lifecycle/stop-signal.ts";
import { forEachContainer, MANY } from "../containers/find.ts";
import { parseSignal } from "@slipway/client/signals";
import { markStopped } from "../lifecycle/restart-labels.ts";
import { taskOf } from "../containers/state.ts";

const SIGKILL = 9;

export function configure(command: Command, cli: Cli): void {
  command
    .argument("<container...>", "names or ids")
    .option("-s, --signal <signal>", "what to send", "KILL")
    .action(async (names: readonly string[], { signal }: { readonly signal: string }) => {
      const number = parseSignal(signal);
      const client = await cli.client();
      await forEachContainer(
        client,
        names,
        async (container) => {
          const { id, labels } = container;
          const task = await taskOf(client, id);
          if (!task || task.status === "stopped") {
            throw new Fault("failed_precondition", `Cannot kill container "${id}": it is not running`);
          }
          if (number === SIGKILL || number === stopSignalOf(labels)) await markStopped(client, container);
          await client.tasks.kill({ containerId: id }, number);
        },
        MANY,
      );
    });
}
