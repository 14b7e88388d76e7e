import { rm } from "node:fs/promises";
import { basename, isAbsolute } from "node:path";
import { TaskExitSchema } from "@slipway/api/containerd/events/events_pb";
import { removeOwnFiles } from "@slipway/client/remove-own-files";
import type { Container } from "@slipway/core/containers";
import { definePlugin, type Logger } from "@slipway/core/plugin";
import {
  ContainerMonitorPlugin,
  EventPlugin,
  MetadataPlugin,
  RuntimePlugin,
  type TaskManagers,
} from "@slipway/core/plugin-kinds";
import type { MetadataStores } from "@slipway/core/stores";
import { Fault, hasCode } from "@slipway/fault/fault";
import { unmountAll } from "@slipway/linux/mount";
import { MNT } from "@slipway/linux/mount-flags";
import { readPayload } from "@slipway/rpc/read-message";
import { follow } from "../events/follow.ts";

const label = "slipway/auto-remove";
/** A directory, mounts and all, that goes with the container: it bears its id as its name. */
const scratchLabel = "slipway/scratch";

/**
 * Removes containers that are labelled `slipway/auto-remove=ID`, with their own id, when their first process has ended: `run --rm`
 * needs somebody who is still there, also when the client was killed. What ended while no daemon ran is removed at the start.
 */
export const autoRemovePlugin = definePlugin({
  kind: ContainerMonitorPlugin,
  id: "auto-remove",
  needs: { stores: MetadataPlugin, runtimes: RuntimePlugin, events: EventPlugin },
  parseConfig: () => ({}),
  async start({ stores, runtimes, events }, _config, { log, signal }) {
    const tasks = runtimes.get("task");
    if (!tasks) throw new Fault("failed_precondition", 'runtime "task" does not run');
    const remover = new Remover(stores, tasks, log);
    return follow(events, ['topic=="/tasks/exit"'], signal, {
      begin: () => remover.removeEnded(),
      async consider({ namespace, event }) {
        const exit = readPayload(TaskExitSchema, event);
        if (exit && exit.containerId === exit.id) await remover.consider(namespace, exit.containerId);
      },
      failed: (error) => log.error("containers are no longer removed when they end", { error }),
    });
  },
});

class Remover {
  readonly #stores: MetadataStores;
  readonly #tasks: TaskManagers;
  readonly #log: Logger;

  constructor(stores: MetadataStores, tasks: TaskManagers, log: Logger) {
    this.#stores = stores;
    this.#tasks = tasks;
    this.#log = log;
  }

  async removeEnded(): Promise<void> {
    for (const { name } of await this.#stores.namespaces.list()) {
      const containers = await this.#stores
        .scoped({ namespace: name })
        .containers.list([`labels."${label}"`]);
      const running = new Set(
        (await this.#tasks.scoped(name).list())
          .filter(({ status }) => status !== "stopped")
          .map(({ containerId }) => containerId),
      );
      for (const container of containers) {
        if (isMarked(container) && !running.has(container.id)) await this.#remove(name, container);
      }
    }
  }

  async consider(namespace: string, containerId: string): Promise<void> {
    try {
      const container = await this.#stores.scoped({ namespace }).containers.get(containerId);
      if (isMarked(container)) await this.#remove(namespace, container);
    } catch (error) {
      if (!hasCode(error, "not_found"))
        this.#log.warn("cannot look at a container that ended", { containerId, error });
    }
  }

  /** One that cannot be removed must not keep the others. */
  async #remove(namespace: string, container: Container): Promise<void> {
    const stores = this.#stores.scoped({ namespace });
    const { id, labels, snapshotter, snapshotKey } = container;
    try {
      await this.#tasks.scoped(namespace).delete(id).catch(ignoreMissing);
      await stores.containers.delete(id).catch(ignoreMissing);
      if (snapshotter !== "" && snapshotKey !== "") {
        await stores.snapshotter(snapshotter).remove(snapshotKey).catch(ignoreMissing);
      }
      await removeScratch(id, labels[scratchLabel]);
      await removeOwnFiles(container, { volumes: true });
      this.#log.debug("removed a container that ended", { namespace, id });
    } catch (error) {
      this.#log.warn("cannot remove a container that ended", { namespace, id, error });
    }
  }
}

async function removeScratch(id: string, path: string | undefined): Promise<void> {
  if (path === undefined || !isAbsolute(path) || basename(path) !== id) return;
  unmountAll(path, MNT.DETACH);
  await rm(path, { recursive: true, force: true });
}

/** An image may have such a label, too, which some clients pass on; it cannot know the id. */
function isMarked({ id, labels }: Pick<Container, "id" | "labels">): boolean {
  return labels[label] === id;
}

function ignoreMissing(error: unknown): void {
  if (!hasCode(error, "not_found")) throw error;
}
