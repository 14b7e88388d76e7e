import { toAny } from "@slipway/client/messages";
import { taskStatus } from "@slipway/client/task-status";
import type { Any } from "@slipway/core/any";
import type { ContainerStore } from "@slipway/core/containers";
import { validateIdentifier } from "@slipway/core/identifiers";
import type {
  CreateTaskOptions,
  ExecOptions,
  ProcessExit,
  ProcessInfo,
  ProcessIo,
  ProcessRef,
  ProcessState,
  TaskManager,
} from "@slipway/core/tasks";
import { Fault, hasCode, messageOf } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { BundleFolders } from "./bundle.ts";
import { type Checkpoints, namedCheckpointFolder } from "./checkpoints.ts";
import { createTask } from "./create-task.ts";
import { deleteTask } from "./delete-task.ts";
import type { ExplainSources } from "./explain.ts";
import type { Launcher } from "./launcher.ts";
import { exitTime } from "./exit-time.ts";
import type { ShimTask } from "./shim-task.ts";
import type { TaskRegistry } from "./task-registry.ts";

/** What the tasks of all namespaces have in common. */
export interface TaskManagerParts {
  readonly registry: TaskRegistry;
  readonly launcher: Launcher;
  readonly folders: BundleFolders;
  /** How long a shim may take to tell a state, in milliseconds. */
  readonly stateMs: number;
}

/** The tasks of one namespace: each call goes to the task's shim. */
export class ShimTaskManager implements TaskManager {
  readonly #parts: TaskManagerParts;
  readonly #namespace: string;
  readonly #containers: Pick<ContainerStore, "get">;
  readonly #checkpoints: Checkpoints;
  readonly #sources: ExplainSources;

  constructor(
    parts: TaskManagerParts,
    namespace: string,
    own: {
      readonly containers: Pick<ContainerStore, "get">;
      readonly checkpoints: Checkpoints;
      readonly sources: ExplainSources;
    },
  ) {
    this.#parts = parts;
    this.#namespace = namespace;
    this.#containers = own.containers;
    this.#checkpoints = own.checkpoints;
    this.#sources = own.sources;
  }

  async create(containerId: string, options: CreateTaskOptions): Promise<number> {
    const container = await this.#containers.get(containerId);
    const created = createTask(this.#parts, this.#checkpoints, this.#namespace, container, options);
    return await this.#explaining(containerId, created);
  }

  async start({ containerId, execId = "" }: ProcessRef): Promise<number> {
    const task = await this.#task(containerId);
    const started = task.shim.tasks.start({ id: task.id, execId }, task.call);
    const { pid } = await this.#explaining(containerId, started);
    if (execId === "") task.pid = pid;
    else task.execPids.set(execId, pid);
    return pid;
  }

  async delete(containerId: string): Promise<ProcessExit> {
    const task = await this.#task(containerId);
    return await deleteTask(this.#parts.registry, task);
  }

  async deleteProcess(containerId: string, execId: string): Promise<ProcessExit> {
    const task = await this.#task(containerId);
    const { pid, exitStatus, exitedAt } = await task.shim.tasks.delete({ id: task.id, execId }, task.call);
    task.execPids.delete(execId);
    return { pid, exitStatus, exitedAt: exitTime(exitedAt) };
  }

  async get({ containerId, execId = "" }: ProcessRef): Promise<ProcessState> {
    return await this.#state(await this.#task(containerId), execId);
  }

  async list(): Promise<ProcessState[]> {
    const states = this.#parts.registry.list(this.#namespace).map((task) => this.#state(task, ""));
    // One that is being deleted, or whose shim does not answer, must not hide the others.
    const known = await Promise.allSettled(states);
    return known.filter((state) => state.status === "fulfilled").map(({ value }) => value);
  }

  async kill(
    { containerId, execId = "" }: ProcessRef,
    signal: number,
    { all = false }: { readonly all?: boolean } = {},
  ): Promise<void> {
    const task = await this.#task(containerId);
    await task.shim.tasks.kill({ id: task.id, execId, signal, all }, task.call);
  }

  async exec(containerId: string, execId: string, { io, spec }: ExecOptions): Promise<void> {
    if (execId === "") throw new Fault("invalid_argument", "exec id cannot be empty");
    const task = await this.#task(containerId);
    try {
      validateIdentifier(execId);
    } catch (error) {
      throw new Fault("invalid_argument", `invalid exec id ${execId}: ${messageOf(error)}`, { cause: error });
    }
    await task.shim.tasks.exec({ id: task.id, execId, ...io, spec: toAny(spec) }, task.call);
  }

  async resizePty(
    { containerId, execId = "" }: ProcessRef,
    { columns, rows }: { readonly columns: number; readonly rows: number },
  ): Promise<void> {
    const task = await this.#task(containerId);
    await task.shim.tasks.resizePty({ id: task.id, execId, width: columns, height: rows }, task.call);
  }

  async closeStdin({ containerId, execId = "" }: ProcessRef): Promise<void> {
    const task = await this.#task(containerId);
    await task.shim.tasks.closeIO({ id: task.id, execId, stdin: true }, task.call);
  }

  async pause(containerId: string): Promise<void> {
    const { id, shim, call } = await this.#task(containerId);
    await shim.tasks.pause({ id }, call);
  }

  async resume(containerId: string): Promise<void> {
    const { id, shim, call } = await this.#task(containerId);
    await shim.tasks.resume({ id }, call);
  }

  async pids(containerId: string): Promise<ProcessInfo[]> {
    const { id, shim, call } = await this.#task(containerId);
    const { processes } = await shim.tasks.pids({ id }, call);
    return processes.map(({ pid, info }) => ({ pid, ...(info ? { info } : {}) }));
  }

  async checkpoint(containerId: string, options?: Any): Promise<Descriptor[]> {
    const { id, shim, call, bundle } = await this.#task(containerId);
    const container = await this.#containers.get(containerId);
    const named = namedCheckpointFolder(options);
    // Beside the bundle, which is in memory.
    await using folder = named === undefined ? await bundle.workFolder("checkpoint-") : undefined;
    const path = named ?? folder?.path ?? "";
    const request = { id, path, ...(options ? { options: toAny(options) } : {}) };
    await this.#explaining(containerId, shim.tasks.checkpoint(request, call));
    return folder ? await this.#checkpoints.store(folder.path, container) : [];
  }

  async update(
    containerId: string,
    resources: Any,
    annotations: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const { id, shim, call } = await this.#task(containerId);
    const request = { id, resources: toAny(resources), annotations };
    await this.#explaining(containerId, shim.tasks.update(request, call));
  }

  async metrics(containerId: string): Promise<Any> {
    const { id, shim, call } = await this.#task(containerId);
    const { stats } = await shim.tasks.stats({ id }, call);
    if (!stats) throw new Fault("not_found", `task ${id} has no metrics`);
    return stats;
  }

  async wait(
    { containerId, execId = "" }: ProcessRef,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<ProcessExit> {
    const task = await this.#task(containerId);
    const { afterShim } = task;
    try {
      const call = { ...task.call, ...(signal ? { signal } : {}) };
      const { exitStatus, exitedAt } = await task.shim.tasks.wait({ id: task.id, execId }, call);
      const pid = execId === "" ? task.pid : (task.execPids.get(execId) ?? 0);
      const exit = { pid, exitStatus, exitedAt: exitTime(exitedAt) };
      if (execId === "") task.ended(exit);
      return exit;
    } catch (error) {
      if (!hasCode(error, "unavailable")) throw error;
      // The shim died. When the container did with it, that is an answer, too.
      const exit = await afterShim;
      return exit ?? (await this.wait({ containerId, execId }, signal ? { signal } : {}));
    }
  }

  /** Failures of runtimes get a hint, for clients that want one. */
  async #explaining<T>(containerId: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      const { explained } = await import("./explain.ts");
      throw await explained(error, await this.#containers.get(containerId), this.#sources);
    }
  }

  async #task(containerId: string): Promise<ShimTask> {
    const task = this.#parts.registry.find(this.#namespace, containerId);
    if (task && !(task.shim.isClosed && (await task.afterShim))) return task;
    // That the container is not there is the better message.
    await this.#containers.get(containerId);
    throw new Fault("not_found", `task ${containerId} not found`);
  }

  async #state(task: ShimTask, execId: string): Promise<ProcessState> {
    if (execId === "" && task.stopped) return task.stopped;
    const call = { ...task.call, timeoutMs: this.#parts.stateMs };
    const { afterShim } = task;
    try {
      const state = await task.shim.tasks.state({ id: task.id, execId }, call);
      const { stdin, stdout, stderr, terminal, pid, exitStatus, exitedAt } = state;
      const status = taskStatus(state.status);
      const io = { stdin, stdout, stderr, terminal };
      const exit = status === "stopped" ? { pid, exitStatus, exitedAt: exitTime(exitedAt) } : undefined;
      if (execId === "") task.io = io;
      if (execId === "" && exit) task.ended(exit);
      const id = execId === "" ? task.id : execId;
      return { containerId: task.id, id, pid, status, io, ...(exit ? { exit } : {}) };
    } catch (error) {
      // A task must not seem to be gone because its shim is slow.
      if (hasCode(error, "deadline_exceeded")) return unknownState(task, execId);
      if (!hasCode(error, "unavailable")) throw error;
      // The shim died: another may hold it now.
      if (!(await afterShim)) return await this.#state(task, execId);
      throw new Fault("not_found", `task ${task.id} not found`, { cause: error });
    }
  }
}

function unknownState(task: ShimTask, execId: string): ProcessState {
  const { id: containerId, io = noIo } = task;
  if (execId === "") return { containerId, id: containerId, pid: task.pid, status: "unknown", io };
  const pid = task.execPids.get(execId) ?? 0;
  return { containerId, id: execId, pid, status: "unknown", io: noIo };
}
const noIo: ProcessIo = { stdin: "", stdout: "", stderr: "", terminal: false };
