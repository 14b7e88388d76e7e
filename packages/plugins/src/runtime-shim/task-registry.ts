import { Fault } from "@slipway/fault/fault";
import { writeBootstrap } from "./bootstrap.ts";
import type { DeadShims } from "./dead-shims.ts";
import type { ShimTask } from "./shim-task.ts";

/** All tasks of all namespaces. */
export class TaskRegistry {
  readonly #tasks = new Map<string, Map<string, ShimTask | "creating">>();
  readonly #deadShims: DeadShims;
  #isStopping = false;

  constructor(deadShims: DeadShims) {
    this.#deadShims = deadShims;
  }

  find(namespace: string, id: string): ShimTask | undefined {
    const task = this.#in(namespace).get(id);
    return task === "creating" ? undefined : task;
  }

  list(namespace: string): ShimTask[] {
    return [...this.#in(namespace).values()].filter((task) => task !== "creating");
  }

  /** Of every namespace. */
  all(): ShimTask[] {
    return [...this.#tasks.keys()].flatMap((namespace) => this.list(namespace));
  }

  /** Whether there is such a task, or one is in the making. */
  has(namespace: string, id: string): boolean {
    return this.#in(namespace).has(id);
  }

  /** Keeps a name for a task until the returned scope ends. @throws {Fault} `already_exists` */
  reserve(namespace: string, id: string): Disposable {
    const tasks = this.#in(namespace);
    if (tasks.has(id)) throw new Fault("already_exists", `task ${id}: already exists`);
    tasks.set(id, "creating");
    return {
      [Symbol.dispose]: () => {
        if (tasks.get(id) === "creating") tasks.delete(id);
      },
    };
  }

  /** From now on, when its shim dies, another takes it over, or it is cleaned up. */
  add(task: ShimTask): void {
    this.#in(task.namespace).set(task.id, task);
    void this.#afterShim(task);
  }

  remove(task: ShimTask): void {
    const tasks = this.#in(task.namespace);
    if (tasks.get(task.id) !== task) return;
    tasks.delete(task.id);
    task.hold.gone?.();
  }

  /** Leaves the shims: their tasks go on without the daemon. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.all().map(({ shim }) => shim.close()));
  }

  async #afterShim(task: ShimTask): Promise<void> {
    do {
      await task.shim.closed;
      const isDeleted = this.#in(task.namespace).get(task.id) !== task;
      if (isDeleted || this.#isStopping) return;
    } while (await this.#takenOver(task));
    const exit = await this.#deadShims.cleanUp(task.bundle, task.binary, task.pid);
    this.remove(task);
    task.cleanedUp(exit);
  }

  /** False when no shim could take the task over. */
  async #takenOver(task: ShimTask): Promise<boolean> {
    const dead = task.shim;
    const together = this.list(task.namespace).filter(({ shim }) => shim === dead);
    const ids = together.map(({ id }) => id);
    const shim = task.hold.succeed?.(dead.bootstrap.address, ids);
    if (!shim) return false;
    try {
      // However long that takes on a busy machine: what is given up is killed. It ends when that shim dies, too.
      await shim.tasks.state({ id: task.id }, task.call);
    } catch {
      // It was not created when the shim died, or it is what kills shims.
      await task.hold.release(shim).catch(() => undefined);
      return false;
    }
    writeBootstrap(task.bundle, shim.bootstrap);
    task.takenOver(shim);
    return true;
  }

  #in(namespace: string): Map<string, ShimTask | "creating"> {
    const tasks = this.#tasks.get(namespace) ?? new Map<string, ShimTask | "creating">();
    this.#tasks.set(namespace, tasks);
    return tasks;
  }
}
