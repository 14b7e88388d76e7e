import {
  ContainerCreateSchema,
  ContainerDeleteSchema,
  ContainerUpdateSchema,
  TaskDeleteSchema,
  TaskExitSchema,
  TaskStartSchema,
} from "@slipway/api/containerd/events/events_pb";
import type { Envelope, EventExchange } from "@slipway/core/events";
import type { Logger } from "@slipway/core/plugin";
import { restartDecision, restartLabel, type RestartOccasion } from "@slipway/core/restart";
import { hasCode, messageOf } from "@slipway/fault/fault";
import { readPayload } from "@slipway/rpc/read-message";
import { Backoff } from "./backoff.ts";
import type { ContainerTasks } from "./container-tasks.ts";

const topics = [
  'topic~="^/containers/(create|update|delete)$"',
  'topic~="^/tasks/(start|exit|delete)$"',
] as const;

const outcomes = {
  started: "started a container again",
  left: "left a container whose task somebody removed before it was started again",
  ended: "ended a container that was stopped during its restart",
} as const;

/** A container that is kept in a state. */
interface Kept {
  readonly namespace: string;
  readonly id: string;
  readonly backoff: Backoff;
  /** When its task was started last, by `performance.now()`; undefined if an earlier daemon saw that. */
  startedMs?: number | undefined;
  /** Until when it may not be looked at: the back-off. */
  due?: NodeJS.Timeout | undefined;
  /** While it has no task, and a client may be about to make one. */
  grace?: NodeJS.Timeout | undefined;
  /** While it is looked at or started. */
  work?: Promise<void> | undefined;
  /** Whether its task was made here. */
  isRestarted?: boolean;
  /** Something changed meanwhile. */
  looksAgain?: boolean;
}

/**
 * Keeps the tasks of labelled containers in the state that their labels name. Events say when something has to be looked
 * at, so that there is no timer while nothing happens.
 */
export class RestartMonitor implements AsyncDisposable {
  readonly #tasks: ContainerTasks;
  readonly #graceMs: number;
  readonly #log: Logger;
  readonly #kept = new Map<string, Kept>();
  readonly #ending = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  readonly #following: Promise<void>;

  /**
   * `graceMs`: how long a container without a task is left to the client that may be about to make one.
   */
  constructor(tasks: ContainerTasks, events: EventExchange, graceMs: number, log: Logger) {
    this.#tasks = tasks;
    this.#graceMs = graceMs;
    this.#log = log;
    this.#following = this.#follow(events);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const { due, grace } of this.#kept.values()) {
      clearTimeout(due);
      clearTimeout(grace);
    }
    await this.#following;
    for (const { work } of this.#kept.values()) await work;
    await Promise.all(this.#ending);
  }

  async #follow(events: EventExchange): Promise<void> {
    const { signal } = this.#stop;
    for (let occasion: RestartOccasion = "daemon start"; !signal.aborted; occasion = "change") {
      try {
        const changes = events.subscribe(topics, { signal });
        for (const { namespace, id } of await this.#tasks.kept()) {
          this.#look(this.#keep(namespace, id), occasion);
        }
        for await (const change of changes) await this.#consider(change);
      } catch (error) {
        // Too many events at once: everything is looked at again.
        this.#log.warn("cannot follow what happens to containers", { error: messageOf(error) });
      }
    }
  }

  async #consider({ namespace, topic, event }: Envelope): Promise<void> {
    switch (topic) {
      case "/containers/create":
        await this.#created(namespace, readPayload(ContainerCreateSchema, event));
        break;
      case "/containers/update": {
        const update = readPayload(ContainerUpdateSchema, event);
        if (update?.labels[restartLabel.status]) this.#look(this.#keep(namespace, update.id), "change");
        else this.#forget(namespace, update?.id);
        break;
      }
      case "/containers/delete":
        this.#deleted(namespace, readPayload(ContainerDeleteSchema, event)?.id);
        break;
      case "/tasks/start": {
        const kept = this.#find(namespace, readPayload(TaskStartSchema, event)?.containerId);
        if (kept) kept.startedMs = performance.now();
        break;
      }
      case "/tasks/exit":
        this.#exited(namespace, readPayload(TaskExitSchema, event));
        break;
      case "/tasks/delete": {
        const removed = readPayload(TaskDeleteSchema, event);
        const kept = this.#find(namespace, removed?.containerId);
        if (kept && (removed?.id === "" || removed?.id === kept.id)) this.#lookAfterGrace(kept);
        break;
      }
    }
  }

  async #created(namespace: string, created: { readonly id: string } | undefined): Promise<void> {
    const container = created && (await this.#tasks.container(namespace, created.id));
    if (container?.labels[restartLabel.status]) this.#lookAfterGrace(this.#keep(namespace, container.id));
  }

  #exited(namespace: string, exit: { readonly containerId: string; readonly id: string } | undefined): void {
    const kept = this.#find(namespace, exit?.containerId);
    if (!kept || exit?.id !== kept.id) return;
    const { startedMs, backoff } = kept;
    kept.startedMs = undefined;
    this.#lookLater(kept, backoff.next(startedMs === undefined ? undefined : performance.now() - startedMs));
  }

  #keep(namespace: string, id: string): Kept {
    const key = `${namespace}/${id}`;
    const kept = this.#kept.get(key) ?? { namespace, id, backoff: new Backoff() };
    this.#kept.set(key, kept);
    return kept;
  }

  #find(namespace: string, id: string | undefined): Kept | undefined {
    return this.#kept.get(`${namespace}/${id}`);
  }

  #forget(namespace: string, id: string | undefined): void {
    const kept = this.#find(namespace, id);
    clearTimeout(kept?.due);
    clearTimeout(kept?.grace);
    this.#kept.delete(`${namespace}/${id}`);
  }

  #deleted(namespace: string, id: string | undefined): void {
    const kept = this.#find(namespace, id);
    this.#forget(namespace, id);
    if (!kept) return;
    const ending = this.#endWithout(kept).finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  /** A client that deletes a container looks for its task first: one may have been made here since, which would stay. */
  async #endWithout(kept: Kept): Promise<void> {
    const { namespace, id } = kept;
    try {
      await kept.work;
      if (!kept.isRestarted || (await this.#tasks.container(namespace, id))) return;
      await this.#tasks.stop(namespace, id);
    } catch (error) {
      this.#log.warn("cannot end the task of a deleted container", {
        namespace,
        id,
        error: messageOf(error),
      });
    }
  }

  /** After a wait that replaces one that goes on. */
  #lookLater(kept: Kept, milliseconds: number): void {
    if (this.#stop.signal.aborted) return;
    clearTimeout(kept.due);
    kept.due = setTimeout(() => {
      kept.due = undefined;
      this.#look(kept, "change");
    }, milliseconds).unref();
  }

  /** When the client that may be about to start it had its time. */
  #lookAfterGrace(kept: Kept): void {
    clearTimeout(kept.grace);
    kept.grace = setTimeout(() => {
      kept.grace = undefined;
      this.#look(kept, "change");
    }, this.#graceMs).unref();
  }

  #look(kept: Kept, occasion: RestartOccasion): void {
    if (kept.due || this.#stop.signal.aborted) return;
    if (kept.work) {
      kept.looksAgain = true;
      return;
    }
    kept.work = this.#act(kept, occasion).finally(() => {
      kept.work = undefined;
      if (kept.looksAgain) this.#look(kept, "change");
    });
  }

  async #act(kept: Kept, occasion: RestartOccasion): Promise<void> {
    const { namespace, id } = kept;
    kept.looksAgain = false;
    try {
      const container = await this.#tasks.container(namespace, id);
      if (!container) return this.#forget(namespace, id);
      const task = await this.#tasks.state(namespace, id);
      if (!task && kept.grace) return;
      const decision = restartDecision(container.labels, task, occasion);
      if (decision === "stop") await this.#tasks.stop(namespace, id);
      if (decision !== "start" || this.#stop.signal.aborted) return;
      const outcome = await this.#tasks.start(namespace, container, task !== undefined);
      kept.isRestarted = outcome === "started";
      this.#log.info(outcomes[outcome], { namespace, id });
    } catch (error) {
      this.#log.warn("cannot keep a container in its state", { namespace, id, error: messageOf(error) });
      // A policy that does not exist stays so until somebody changes it.
      if (!hasCode(error, "invalid_argument")) this.#lookLater(kept, kept.backoff.next(0));
    }
  }
}
