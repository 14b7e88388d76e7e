import type { Client } from "@slipway/client/client";
import type { Container } from "@slipway/core/containers";
import { taskOf } from "../containers/state.ts";
import { specOf } from "../containers/spec.ts";
import { overlayMounts, parseRootfs, rootfsLabel } from "../run/rootfs.ts";
import { deleteTask } from "./remove-container.ts";
import type { TaskSource } from "./start-task.ts";

/** Makes a container that was created, or has ended, ready to get a task. @returns nothing when it runs */
export async function readyToStart(client: Client, container: Container): Promise<TaskSource | undefined> {
  const { id, labels, snapshotter, snapshotKey } = container;
  const task = await taskOf(client, id);
  if (task && task.status !== "stopped" && task.status !== "created") return undefined;
  if (task) await deleteTask(client, id);
  const folder = labels[rootfsLabel];
  const overlay = folder === undefined ? undefined : parseRootfs(folder);
  const rootfs = overlay?.overlay
    ? overlayMounts(id, overlay.path)
    : snapshotter === ""
      ? []
      : await client.snapshotter(snapshotter).mounts(snapshotKey);
  return { id, labels, terminal: specOf(container).process.terminal ?? false, rootfs };
}
