import { TaskExitSchema, TaskStartSchema } from "@slipway/api/containerd/events/events_pb";
import type { EventExchange } from "@slipway/core/events";
import { healthLabel } from "@slipway/core/health";
import type { Logger } from "@slipway/core/plugin";
import type { TaskManagers } from "@slipway/core/plugin-kinds";
import type { MetadataStores } from "@slipway/core/stores";
import { messageOf } from "@slipway/fault/fault";
import { readPayload } from "@slipway/rpc/read-message";
import { ContainerHealth, type HealthParts } from "./container-health.ts";
import { Turns } from "./turns.ts";

/** Checks the containers that are to be checked, for as long as they run. */
export class HealthMonitor implements AsyncDisposable {
  readonly #parts: HealthParts;
  readonly #tasks: TaskManagers;
  readonly #checked = new Map<string, ContainerHealth>();
  readonly #stop = new AbortController();
  readonly #following: Promise<void>;

  constructor(options: {
    readonly stores: MetadataStores;
    readonly tasks: TaskManagers;
    readonly events: EventExchange;
    /** For the streams of probes. */
    readonly folder: string;
    readonly log: Logger;
  }) {
    this.#tasks = options.tasks;
    this.#parts = { ...options, turns: new Turns(PROBES_AT_ONCE) };
    this.#following = this.#follow();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#following;
    await Promise.all([...this.#checked.values()].map((health) => health.stop()));
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    const { events, log } = this.#parts;
    while (!signal.aborted) {
      try {
        const changes = events.subscribe(['topic~="^/tasks/(start|exit)$"'], { signal });
        await this.#checkRunning();
        for await (const { namespace, topic, event } of changes) {
          if (topic === "/tasks/start") {
            const started = readPayload(TaskStartSchema, event);
            if (started) await this.#check(namespace, started.containerId, "started");
          } else {
            const exit = readPayload(TaskExitSchema, event);
            if (exit && exit.id === exit.containerId) this.#leave(namespace, exit.containerId);
          }
        }
      } catch (error) {
        // Too many events at once: what runs is looked for again.
        log.warn("cannot follow which containers run", { error: messageOf(error) });
      }
    }
  }

  async #checkRunning(): Promise<void> {
    const { stores } = this.#parts;
    for (const { name: namespace } of await stores.namespaces.list()) {
      const { containers } = stores.scoped({ namespace });
      const labelled = await containers.list([`labels."${healthLabel.check}"`]);
      if (labelled.length === 0) continue;
      const running = new Set((await this.#tasks.scoped(namespace).list()).filter(isUp).map(idOf));
      for (const { id } of labelled) if (running.has(id)) await this.#check(namespace, id, "found");
    }
  }

  async #check(namespace: string, id: string, how: "started" | "found"): Promise<void> {
    const key = `${namespace}/${id}`;
    if (how === "found" && this.#checked.has(key)) return;
    this.#leave(namespace, id);
    const health = await ContainerHealth.begin(this.#parts, namespace, id, how);
    if (health && !this.#stop.signal.aborted) this.#checked.set(key, health);
  }

  #leave(namespace: string, id: string): void {
    const key = `${namespace}/${id}`;
    void this.#checked.get(key)?.stop();
    this.#checked.delete(key);
  }
}

const PROBES_AT_ONCE = 4;

function isUp({ status }: { readonly status: string }): boolean {
  return status === "running" || status === "paused" || status === "pausing";
}

function idOf({ containerId }: { readonly containerId: string }): string {
  return containerId;
}
