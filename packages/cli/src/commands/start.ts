import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { findContainer, forEachContainer } from "../containers/find.ts";
import { readyToStart } from "../lifecycle/start-container.ts";
import { startAttached, startDetached } from "../lifecycle/start-task.ts";
import { addAttachFlags } from "../run/flags.ts";

interface StartFlags {
  readonly attach?: boolean;
  readonly interactive?: boolean;
  readonly detachKeys: string;
  readonly sigProxy: boolean;
}

export function configure(command: Command, cli: Cli): void {
  addAttachFlags(command)
    .argument("<container...>", "names or ids")
    .option("-a, --attach", "show its output and pass signals on")
    .option("-i, --interactive", "pass the input on")
    .action(async (names: readonly string[], flags: StartFlags) => {
      const client = await cli.client();
      const { attach = false, interactive = false } = flags;
      if (!attach && !interactive) {
        await forEachContainer(client, names, async (container) => {
          const source = await readyToStart(client, container);
          if (source) await startDetached(client, source);
        });
        return;
      }
      const [name = ""] = names;
      const source = await readyToStart(client, await findContainer(client, name));
      if (!source) return;
      const result = await startAttached(client, source, { ...flags, interactive });
      if (result.ended) cli.exit(result.exitCode);
    });
}
