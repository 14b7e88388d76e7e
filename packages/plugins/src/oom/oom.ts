import { TaskOOMSchema, TaskStartSchema } from "@slipway/api/containerd/events/events_pb";
import { oomKilledLabel } from "@slipway/core/containers";
import type { Envelope } from "@slipway/core/events";
import { definePlugin, type Logger } from "@slipway/core/plugin";
import { ContainerMonitorPlugin, EventPlugin, MetadataPlugin } from "@slipway/core/plugin-kinds";
import type { MetadataStores } from "@slipway/core/stores";
import { hasCode, messageOf } from "@slipway/fault/fault";
import { readPayload } from "@slipway/rpc/read-message";
import { follow } from "../events/follow.ts";

/**
 * Remembers of each container that the kernel killed in it for want of memory, as a label that goes with the next start: a
 * task keeps nothing of it, and its event is gone when somebody asks why it ended.
 */
export const oomPlugin = definePlugin({
  kind: ContainerMonitorPlugin,
  id: "oom",
  needs: { stores: MetadataPlugin, events: EventPlugin },
  parseConfig: () => undefined,
  async start({ stores, events }, _config, { log, signal }) {
    const marks = new Marks(stores, log);
    return follow(events, ['topic~="^/tasks/(oom|start)$"'], signal, {
      begin: () => marks.load(),
      consider: (event) => marks.consider(event),
      failed: (error) => log.warn("out of memory is not noted any more", { error: messageOf(error) }),
    });
  },
});

class Marks {
  readonly #stores: MetadataStores;
  readonly #log: Logger;
  /** Containers that have the label, as `NAMESPACE/ID`: most starts have nothing to do with it. */
  readonly #marked = new Set<string>();

  constructor(stores: MetadataStores, log: Logger) {
    this.#stores = stores;
    this.#log = log;
  }

  async load(): Promise<void> {
    for (const { name } of await this.#stores.namespaces.list()) {
      const { containers } = this.#stores.scoped({ namespace: name });
      for (const { id } of await containers.list([`labels."${oomKilledLabel}"==true`])) {
        this.#marked.add(`${name}/${id}`);
      }
    }
  }

  async consider({ namespace, topic, event }: Envelope): Promise<void> {
    const isOom = topic === "/tasks/oom";
    const told = isOom ? readPayload(TaskOOMSchema, event) : readPayload(TaskStartSchema, event);
    if (!told) return;
    const { containerId } = told;
    const key = `${namespace}/${containerId}`;
    if (this.#marked.has(key) === isOom) return;
    try {
      await this.#label(namespace, containerId, isOom ? "true" : "");
      if (isOom) this.#marked.add(key);
      else this.#marked.delete(key);
    } catch (error) {
      this.#marked.delete(key);
      if (hasCode(error, "not_found")) return;
      this.#log.warn("cannot note that memory ran out", { namespace, containerId, error: messageOf(error) });
    }
  }

  /** An empty label is none. */
  async #label(namespace: string, id: string, value: string): Promise<void> {
    const { containers } = this.#stores.scoped({ namespace });
    await containers.update({ ...(await containers.get(id)), labels: { [oomKilledLabel]: value } }, [
      `labels.${oomKilledLabel}`,
    ]);
  }
}
