import type { Client } from "@slipway/client/client";
import { removeOwnFiles } from "@slipway/client/remove-own-files";
import { removeOverlay, rootfsLabel } from "@slipway/client/rootfs-folder";
import type { Container } from "@slipway/core/containers";
import { hasCode } from "@slipway/fault/fault";

type Removable = Pick<Container, "id" | "labels" | "spec" | "snapshotter" | "snapshotKey">;

/**
 * Removes a container that has no task, and everything that was made for it; of its volumes with `volumes` those that have
 * no name of their own. What is gone already is fine.
 */
export async function removeContainer(
  client: Client,
  container: Removable,
  options: { readonly volumes: boolean },
): Promise<void> {
  const { id, labels, snapshotter, snapshotKey } = container;
  await client.containers.delete(id).catch(ignoreMissing);
  if (snapshotter !== "" && snapshotKey !== "") {
    await client.snapshotter(snapshotter).remove(snapshotKey).catch(ignoreMissing);
  }
  if (labels[rootfsLabel]?.endsWith(":O")) removeOverlay(id);
  await removeOwnFiles(container, options);
}

/** Removes a task that has ended, or was never started. */
export async function deleteTask(client: Client, id: string): Promise<void> {
  await client.tasks.delete(id).catch(ignoreMissing);
}

function ignoreMissing(error: unknown): void {
  if (!hasCode(error, "not_found")) throw error;
}
