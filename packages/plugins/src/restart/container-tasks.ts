import { refreshEtcFiles } from "@slipway/client/etc-files";
import { containerRootfs, hasTerminal, loggedIo } from "@slipway/client/container-task";
import type { Container, ContainerStore } from "@slipway/core/containers";
import type { NamespaceStore } from "@slipway/core/namespaces";
import { isExplicitlyStopped, restartCount, restartLabel } from "@slipway/core/restart";
import type { Snapshotter } from "@slipway/core/snapshots";
import type { Scope } from "@slipway/core/stores";
import type { ProcessState, TaskManager } from "@slipway/core/tasks";
import { hasCode } from "@slipway/fault/fault";

const SIGKILL = 9;

/** What is asked of the daemon's metadata. */
interface ContainerStores {
  readonly namespaces: Pick<NamespaceStore, "list">;
  scoped(scope: Scope): {
    readonly containers: Pick<ContainerStore, "get" | "list" | "update">;
    snapshotter(name: string): Pick<Snapshotter, "mounts">;
  };
}

/** What is asked of the daemon's tasks. */
interface StartedTasks {
  scoped(namespace: string): Pick<TaskManager, "get" | "create" | "start" | "kill" | "wait" | "delete">;
}

/** Starts and stops the tasks of containers, as their clients would. */
export class ContainerTasks {
  readonly #stores: ContainerStores;
  readonly #tasks: StartedTasks;

  constructor(stores: ContainerStores, tasks: StartedTasks) {
    this.#stores = stores;
    this.#tasks = tasks;
  }

  /** Nothing when it is gone. */
  async container(namespace: string, id: string): Promise<Container | undefined> {
    return await this.#stores.scoped({ namespace }).containers.get(id).catch(ignoreMissing);
  }

  /** Nothing when the container has none. */
  async state(namespace: string, containerId: string): Promise<ProcessState | undefined> {
    return await this.#tasks.scoped(namespace).get({ containerId }).catch(ignoreMissing);
  }

  /** Containers whose tasks are to be kept in a state, of all namespaces. */
  async kept(): Promise<{ readonly namespace: string; readonly id: string }[]> {
    const namespaces = await this.#stores.namespaces.list();
    const found = namespaces.map(async ({ name: namespace }) => {
      const { containers } = this.#stores.scoped({ namespace });
      const kept = await containers.list([`labels."${restartLabel.status}"`]);
      return kept.map(({ id }) => ({ namespace, id }));
    });
    return (await Promise.all(found)).flat();
  }

  /**
   * Starts a container again, its output going to its log, and counts that. `hasTask`: whether it had one when that was
   * decided, which goes.
   * @returns `left` if somebody removed that task meanwhile, who may be about to remove the container; `ended` if somebody
   * stopped or removed the container during the start, and so its new task was ended
   */
  async start(
    namespace: string,
    container: Container,
    hasTask: boolean,
  ): Promise<"started" | "left" | "ended"> {
    const { id, labels } = container;
    const stores = this.#stores.scoped({ namespace });
    const tasks = this.#tasks.scoped(namespace);
    const count = String(restartCount(labels) + 1);
    const counted = { ...container, labels: { ...labels, [restartLabel.count]: count } };
    await stores.containers.update(counted, [`labels.${restartLabel.count}`]);
    refreshEtcFiles(container);
    const rootfs = await containerRootfs(container, (name) => stores.snapshotter(name));
    // Right before the next one is made: in between, a client that removes the container sees no task.
    const removed = await tasks.delete(id).catch(ignoreMissing);
    if (hasTask && !removed) return "left";
    await tasks.create(id, { rootfs, io: loggedIo({ id, labels, terminal: hasTerminal(container) }) });
    try {
      await tasks.start({ containerId: id });
    } catch (error) {
      await tasks.delete(id).catch(() => undefined);
      throw error;
    }
    // Somebody may have removed it, or stopped it, when there was no task that could have been killed.
    // A label that says that nobody did is no stop: clients write it after their own start.
    const now = await this.container(namespace, id);
    if (now && (isExplicitlyStopped(labels) || !isExplicitlyStopped(now.labels))) return "started";
    await this.stop(namespace, id);
    return "ended";
  }

  /** Kills every process of a task and removes it. */
  async stop(namespace: string, containerId: string): Promise<void> {
    const tasks = this.#tasks.scoped(namespace);
    await tasks.kill({ containerId }, SIGKILL, { all: true }).catch(ignoreMissing);
    await tasks.wait({ containerId }).catch(ignoreMissing);
    await tasks.delete(containerId).catch(ignoreMissing);
  }
}

function ignoreMissing(error: unknown): undefined {
  if (!hasCode(error, "not_found")) throw error;
}
