import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Container } from "@slipway/core/containers";
import type { EventExchange } from "@slipway/core/events";
import {
  formatHealthState,
  type HealthCheck,
  healthCheckOf,
  healthLabel,
  type HealthResult,
  type HealthState,
  healthStateOf,
  nextHealth,
  probeWaitMs,
} from "@slipway/core/health";
import type { Logger } from "@slipway/core/plugin";
import type { TaskManagers } from "@slipway/core/plugin-kinds";
import type { MetadataStores } from "@slipway/core/stores";
import type { TaskManager } from "@slipway/core/tasks";
import { hasCode, messageOf } from "@slipway/fault/fault";
import { processAgeMs } from "@slipway/linux/process-stat";
import { logHealthResult } from "./health-log.ts";
import { endProbe, probe } from "./probe.ts";
import type { Turns } from "./turns.ts";

/** What all checks of the daemon have in common. */
export interface HealthParts {
  readonly stores: MetadataStores;
  readonly tasks: TaskManagers;
  readonly events: EventExchange;
  readonly folder: string;
  /** Programs that probe take a processor each. */
  readonly turns: Turns;
  readonly log: Logger;
}

const SIGKILL = 9;
/** Where systemd keeps what nerdctl makes to check its containers itself. */
const TRANSIENT_UNITS = "/run/systemd/transient";

/** The checks of one running container, one after the other, until its task ends. */
export class ContainerHealth {
  readonly #parts: HealthParts;
  readonly #namespace: string;
  readonly #id: string;
  readonly #check: HealthCheck;
  /** When the container's process began, by the clock of `performance.now()`: intervals go on when the other is set. */
  readonly #startedMs: number;
  #state: HealthState;
  #next: NodeJS.Timeout | undefined;
  #probing: Promise<void> | undefined;
  /** Settles when no probe of an earlier daemon is left. */
  #cleared: Promise<void> | undefined;
  #isStopped = false;

  private constructor(
    parts: HealthParts,
    namespace: string,
    { id }: Container,
    how: { readonly check: HealthCheck; readonly state: HealthState; readonly startedMs: number },
  ) {
    this.#parts = parts;
    this.#namespace = namespace;
    this.#id = id;
    this.#check = how.check;
    this.#state = how.state;
    this.#startedMs = how.startedMs;
  }

  /** Begins with a container that was just started, or goes on with one that an earlier daemon checked. */
  static async begin(
    parts: HealthParts,
    namespace: string,
    id: string,
    how: "started" | "found",
  ): Promise<ContainerHealth | undefined> {
    try {
      const container = await parts.stores.scoped({ namespace }).containers.get(id);
      const check = healthCheckOf(container.labels);
      if (!check) return undefined;
      const manager = parts.tasks.scoped(namespace);
      const { pid, status } = await manager.get({ containerId: id });
      const startedMs = performance.now() - (processAgeMs(pid) ?? 0);
      const known = how === "found" ? healthStateOf(container.labels) : undefined;
      const state = known ?? { status: "starting", failingStreak: 0 };
      const health = new ContainerHealth(parts, namespace, container, { check, state, startedMs });
      if (!known) await health.#save(container);
      if (how === "started") health.#cleared = Promise.resolve();
      // What is paused does not end either: that waits for the next probe.
      else if (status === "running") health.#probing = health.#clear(manager);
      // Of an earlier daemon's probe the wall clock is all that is known; what it says is in the future is no age.
      const sinceMs = state.lastProbeAt ? Math.max(0, Date.now() - state.lastProbeAt.getTime()) : 0;
      health.#schedule(sinceMs);
      return health;
    } catch (error) {
      if (!hasCode(error, "not_found")) {
        parts.log.warn("cannot check the health of a container", { namespace, id, error: messageOf(error) });
      }
      return undefined;
    }
  }

  /** Resolves when no probe runs any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#next);
    await this.#probing;
  }

  get #upMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** `sinceMs`: how long ago the probe before was, where that was not just now. */
  #schedule(sinceMs = 0): void {
    if (this.#isStopped) return;
    const waitMs = probeWaitMs(this.#state, this.#check, this.#upMs) - sinceMs;
    this.#next = setTimeout(
      () => {
        this.#probing = this.#probe();
      },
      Math.max(waitMs, 0),
    ).unref();
  }

  async #probe(): Promise<void> {
    const { stores, tasks, folder, turns, log } = this.#parts;
    const own = { namespace: this.#namespace, id: this.#id };
    try {
      const container = await stores.scoped(own).containers.get(this.#id);
      const manager = tasks.scoped(this.#namespace);
      const { status } = await manager.get({ containerId: this.#id });
      // nerdctl's timer does it already.
      const isChecked = existsSync(join(TRANSIENT_UNITS, `${this.#id}.timer`));
      if (status === "running" && !isChecked) {
        await this.#clear(manager);
        let upMs = 0;
        const work = async (): Promise<HealthResult> => {
          upMs = this.#upMs;
          return await probe(manager, container, this.#check, folder);
        };
        const result = await turns.take(work);
        // The end of the container ended the probe, too.
        if (!this.#isStopped) await this.#take(result, upMs);
      }
    } catch (error) {
      if (!hasCode(error, "not_found")) {
        log.warn("cannot check the health of a container", { ...own, error: messageOf(error) });
      }
    }
    this.#schedule();
  }

  async #clear(tasks: TaskManager): Promise<void> {
    this.#cleared ??= endProbe(tasks, this.#id);
    try {
      await this.#cleared;
    } catch (error) {
      const own = { namespace: this.#namespace, id: this.#id };
      this.#parts.log.warn("cannot end an earlier daemon's probe", { ...own, error: messageOf(error) });
    }
  }

  async #take(result: HealthResult, upMs: number): Promise<void> {
    const before = this.#state;
    this.#state = nextHealth(before, this.#check, result, upMs);
    const container = await this.#parts.stores
      .scoped({ namespace: this.#namespace })
      .containers.get(this.#id);
    logHealthResult(container, result);
    const { status, failingStreak } = this.#state;
    if (status === before.status && failingStreak === before.failingStreak) return;
    await this.#save(container);
    if (status === before.status) return;
    const { exitCode, output } = result;
    const event = { containerId: this.#id, status, failingStreak, exitCode, output };
    this.#parts.events.publish(this.#namespace, "/slipway/containers/health_status", event);
    if (status !== "unhealthy" || container.labels[healthLabel.onFailure] !== "kill") return;
    this.#parts.log.info("killing an unhealthy container", { namespace: this.#namespace, id: this.#id });
    await this.#parts.tasks.scoped(this.#namespace).kill({ containerId: this.#id }, SIGKILL, { all: true });
  }

  async #save(container: Container): Promise<void> {
    const { containers } = this.#parts.stores.scoped({ namespace: this.#namespace });
    const labels = { ...container.labels, [healthLabel.state]: formatHealthState(this.#state) };
    await containers.update({ ...container, labels }, [`labels.${healthLabel.state}`]);
  }
}
