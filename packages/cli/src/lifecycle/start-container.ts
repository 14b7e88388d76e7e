import type { Client } from "@slipway/client/client";
import { containerRootfs, hasTerminal } from "@slipway/client/container-task";
import { refreshEtcFiles } from "@slipway/client/etc-files";
import type { Container } from "@slipway/core/containers";
import { taskOf } from "../containers/state.ts";
import { deleteTask } from "./remove-container.ts";
import type { TaskSource } from "./start-task.ts";

/** Makes a container that was created, or has ended, ready to get a task. @returns nothing when it runs */
export async function readyToStart(client: Client, container: Container): Promise<TaskSource | undefined> {
  const { id, labels } = container;
  const task = await taskOf(client, id);
  if (task && task.status !== "stopped" && task.status !== "created") return undefined;
  if (task) await deleteTask(client, id);
  refreshEtcFiles(container);
  const rootfs = await containerRootfs(container, (name) => client.snapshotter(name));
  return { id, labels, terminal: hasTerminal(container), rootfs };
}
