import type { Command } from "commander";
import type { Client } from "@slipway/client/client";
import type { Cli } from "../cli.ts";
import { stateWord, taskOf } from "../containers/state.ts";
import { addForceFlag, confirmed } from "../format/confirm.ts";
import { deleteTask, removeContainer } from "../lifecycle/remove-container.ts";

export function configure(command: Command, cli: Cli): void {
  addForceFlag(command).action(async ({ force = false }: { readonly force?: boolean }) => {
    if (!(await confirmed("This removes all containers that do not run.", force))) return;
    const removed = await pruneContainers(await cli.client());
    if (removed.length > 0) process.stdout.write(`Deleted Containers:\n${removed.join("\n")}\n`);
  });
}

/** Removes every container that was never started or has ended. @returns their ids */
export async function pruneContainers(client: Client): Promise<string[]> {
  const removed: string[] = [];
  for (const container of await client.containers.list()) {
    const state = stateWord(await taskOf(client, container.id));
    if (state === "running" || state === "paused") continue;
    await deleteTask(client, container.id);
    await removeContainer(client, container, { volumes: false });
    removed.push(container.id);
  }
  return removed;
}
