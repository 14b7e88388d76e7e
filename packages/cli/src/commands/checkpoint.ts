import { rmSync } from "node:fs";
import { Fault } from "@slipway/fault/fault";
import type { Command } from "commander";
import { makeDirectories } from "@slipway/linux/make-directories";
import {
  checkpointFolder,
  checkpointOptions,
  listCheckpoints,
  removeCheckpoint,
} from "../checkpoints/checkpoints.ts";
import type { Cli } from "../cli.ts";
import { findContainer } from "../containers/find.ts";
import { markStopped } from "../lifecycle/restart-labels.ts";

interface Place {
  readonly checkpointDir?: string;
}

export function configure(command: Command, cli: Cli): void {
  const placed = (words: string, summary: string): Command =>
    command
      .command(words)
      .summary(summary)
      .option("--checkpoint-dir <folder>", "where checkpoints are, instead of the container's own folder");
  placed("create <container> <checkpoint>", "Write down a running container's processes, with criu")
    .option("--leave-running", "do not end it")
    .action(async (name: string, checkpoint: string, flags: Place & { readonly leaveRunning?: boolean }) => {
      const client = await cli.client();
      const container = await findContainer(client, name);
      const { checkpointDir, leaveRunning = false } = flags;
      const folder = checkpointFolder(container, checkpoint, checkpointDir);
      if (listCheckpoints(container, checkpointDir).includes(checkpoint)) {
        throw new Fault(
          "already_exists",
          `checkpoint with name ${checkpoint} already exists for container ${name}`,
        );
      }
      makeDirectories(folder, 0o700);
      try {
        if (!leaveRunning) await markStopped(client, container);
        const options = checkpointOptions({ imagePath: folder, exit: !leaveRunning });
        await client.tasks.checkpoint(container.id, options);
      } catch (error) {
        rmSync(folder, { recursive: true, force: true });
        throw error;
      }
      process.stdout.write(`${checkpoint}\n`);
    });
  placed("ls <container>", "List a container's checkpoints")
    .alias("list")
    .action(async (name: string, { checkpointDir }: Place) => {
      const container = await findContainer(await cli.client(), name);
      const names = listCheckpoints(container, checkpointDir);
      process.stdout.write(["CHECKPOINT NAME", ...names, ""].join("\n"));
    });
  placed("rm <container> <checkpoint>", "Remove a checkpoint")
    .alias("remove")
    .action(async (name: string, checkpoint: string, { checkpointDir }: Place) => {
      removeCheckpoint(await findContainer(await cli.client(), name), checkpoint, checkpointDir);
    });
  command.action(() => {
    throw new Fault("invalid_argument", "Cannot tell what to do: create, ls or rm");
  });
}
