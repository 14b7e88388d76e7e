import type { Command } from "commander";
import type { Client } from "@slipway/client/client";
import type { Cli } from "../cli.ts";
import { parseDetachKeys } from "../attach/detach-keys.ts";
import { CaughtSignals } from "../attach/caught-signals.ts";
import { deleteTask, removeContainer } from "../lifecycle/remove-container.ts";
import { startAttached, startDetached } from "../lifecycle/start-task.ts";
import { type CreatedContainer, createContainer } from "../run/create.ts";
import { addAttachFlags, addRunFlags, requestOf, type RunFlags } from "../run/flags.ts";

export function configure(command: Command, cli: Cli): void {
  addAttachFlags(addRunFlags(command))
    .helpOption("--help", "show this")
    .option("-d, --detach", "leave it running and print its id")
    .action(async (first: string | undefined, rest: readonly string[], flags: RunFlags) => {
      const request = requestOf(first, rest, flags);
      parseDetachKeys(flags.detachKeys);
      const client = await cli.client();
      // A signal while the container is made must not leave it half made: before there is anything, it ends us at once.
      using signals = new CaughtSignals();
      const container = await createContainer(client, cli.globals, request, flags, () => signals.hold());
      cli.exit(await runContainer(client, container, flags, signals));
    });
}

async function runContainer(
  client: Client,
  container: CreatedContainer,
  flags: RunFlags,
  signals: CaughtSignals,
): Promise<number> {
  const removal = { ...container, snapshotKey: container.id };
  try {
    if (signals.wantsEnd) {
      await removeContainer(client, removal, { volumes: true });
      return 0;
    }
    if (flags.detach) {
      await startDetached(client, container);
      process.stdout.write(`${container.id}\n`);
      return 0;
    }
    if (!flags.sigProxy) signals[Symbol.dispose]();
    const result = await startAttached(client, container, {
      detachKeys: flags.detachKeys,
      interactive: flags.interactive ?? false,
      ...(flags.sigProxy ? { signals } : {}),
    });
    if (!result.ended) return 0;
    // Without --rm the task stays: it knows the exit code.
    if (flags.rm) {
      await deleteTask(client, container.id);
      await removeContainer(client, removal, { volumes: true });
    }
    return result.exitCode;
  } catch (error) {
    await deleteTask(client, container.id).catch(() => {});
    if (flags.rm) await removeContainer(client, removal, { volumes: true });
    throw error;
  }
}
