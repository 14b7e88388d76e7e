import type { Command } from "commander";
import type { Container } from "@slipway/core/containers";
import { knownCheckpoint, restoreOptions } from "../checkpoints/checkpoints.ts";
import { parseDetachKeys } from "../attach/detach-keys.ts";
import { CaughtSignals } from "../attach/caught-signals.ts";
import type { Cli } from "../cli.ts";
import { findContainer, forEachContainer } from "../containers/find.ts";
import { readyToStart } from "../lifecycle/start-container.ts";
import { startAttached, startDetached, type TaskSource } from "../lifecycle/start-task.ts";
import { addAttachFlags } from "../run/flags.ts";

interface StartFlags {
  readonly attach?: boolean;
  readonly interactive?: boolean;
  readonly detachKeys: string;
  readonly sigProxy: boolean;
  readonly checkpoint?: string;
  readonly checkpointDir?: string;
}

export function configure(command: Command, cli: Cli): void {
  addAttachFlags(command)
    .argument("<container...>", "names or ids")
    .option("-a, --attach", "show its output and pass signals on")
    .option("-i, --interactive", "pass the input on")
    .option("--checkpoint <name>", "go on where the checkpoint was made")
    .option("--checkpoint-dir <folder>", "where checkpoints are, instead of the container's own folder")
    .action(async (names: readonly string[], flags: StartFlags) => {
      parseDetachKeys(flags.detachKeys);
      const client = await cli.client();
      const ready = async (container: Container): Promise<TaskSource | undefined> => {
        const { checkpoint, checkpointDir } = flags;
        const folder =
          checkpoint === undefined ? undefined : knownCheckpoint(container, checkpoint, checkpointDir);
        const source = await readyToStart(client, container);
        return source && folder !== undefined
          ? { ...source, options: restoreOptions(container, folder) }
          : source;
      };
      const { attach = false, interactive = false } = flags;
      if (!attach && !interactive) {
        await forEachContainer(client, names, async (container) => {
          const source = await ready(container);
          if (source) await startDetached(client, source);
        });
        return;
      }
      const [name = ""] = names;
      const source = await ready(await findContainer(client, name));
      if (!source) return;
      using signals = flags.sigProxy ? new CaughtSignals() : undefined;
      signals?.hold();
      const result = await startAttached(client, source, {
        detachKeys: flags.detachKeys,
        interactive,
        ...(signals ? { signals } : {}),
      });
      if (result.ended) cli.exit(result.exitCode);
    });
}
