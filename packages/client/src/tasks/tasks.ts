import type { Process as ProcessMessage } from "@slipway/api/containerd/v1/types/types_pb";
import { Tasks } from "@slipway/api/containerd/services/tasks/v1/tasks_pb";
import type { Any } from "@slipway/core/any";
import type {
  CreateTaskOptions,
  ExecOptions,
  ProcessExit,
  ProcessInfo,
  ProcessRef,
  ProcessState,
  TaskManager,
} from "@slipway/core/tasks";
import { Fault } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Calls } from "../connect/calls.ts";
import { taskStatus } from "./status.ts";
import {
  fromAny,
  fromDescriptor,
  required,
  toAny,
  toDate,
  toDescriptor,
  toMounts,
} from "../connect/messages.ts";

/** The daemon's tasks of one namespace. */
export class RemoteTaskManager implements TaskManager {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async create(containerId: string, options: CreateTaskOptions): Promise<number> {
    const { rootfs, io, checkpoint, runtimePath } = options;
    const request = {
      containerId,
      rootfs: toMounts(rootfs),
      ...io,
      ...(checkpoint ? { checkpoint: toDescriptor(checkpoint) } : {}),
      ...(options.options ? { options: toAny(options.options) } : {}),
      runtimePath: runtimePath ?? "",
    };
    return (await this.#calls.unary(Tasks.method.create, request)).pid;
  }

  async start(process: ProcessRef): Promise<number> {
    return (await this.#calls.unary(Tasks.method.start, toRef(process))).pid;
  }

  async delete(containerId: string): Promise<ProcessExit> {
    const { pid, exitStatus, exitedAt } = await this.#calls.unary(Tasks.method.delete, { containerId });
    return { pid, exitStatus, exitedAt: toDate(exitedAt) };
  }

  async deleteProcess(containerId: string, execId: string): Promise<ProcessExit> {
    const answer = await this.#calls.unary(Tasks.method.deleteProcess, { containerId, execId });
    return { pid: answer.pid, exitStatus: answer.exitStatus, exitedAt: toDate(answer.exitedAt) };
  }

  async get(process: ProcessRef): Promise<ProcessState> {
    const answer = await this.#calls.unary(Tasks.method.get, toRef(process));
    const state = fromMessage(required(answer.process, "process"));
    return { ...state, containerId: process.containerId };
  }

  async list(): Promise<ProcessState[]> {
    return (await this.#calls.unary(Tasks.method.list, {})).tasks.map(fromMessage);
  }

  async kill(process: ProcessRef, signal: number, options: { readonly all?: boolean } = {}): Promise<void> {
    await this.#calls.unary(Tasks.method.kill, { ...toRef(process), signal, all: options.all ?? false });
  }

  async exec(containerId: string, execId: string, { io, spec }: ExecOptions): Promise<void> {
    await this.#calls.unary(Tasks.method.exec, { containerId, execId, ...io, spec: toAny(spec) });
  }

  async resizePty(
    process: ProcessRef,
    size: { readonly columns: number; readonly rows: number },
  ): Promise<void> {
    const request = { ...toRef(process), width: size.columns, height: size.rows };
    await this.#calls.unary(Tasks.method.resizePty, request);
  }

  async closeStdin(process: ProcessRef): Promise<void> {
    await this.#calls.unary(Tasks.method.closeIO, { ...toRef(process), stdin: true });
  }

  async pause(containerId: string): Promise<void> {
    await this.#calls.unary(Tasks.method.pause, { containerId });
  }

  async resume(containerId: string): Promise<void> {
    await this.#calls.unary(Tasks.method.resume, { containerId });
  }

  async pids(containerId: string): Promise<ProcessInfo[]> {
    const { processes } = await this.#calls.unary(Tasks.method.listPids, { containerId });
    return processes.map(({ pid, info }) => ({ pid, ...(info ? { info: fromAny(info) } : {}) }));
  }

  async checkpoint(containerId: string, options?: Any): Promise<Descriptor[]> {
    const request = { containerId, ...(options ? { options: toAny(options) } : {}) };
    return (await this.#calls.unary(Tasks.method.checkpoint, request)).descriptors.map(fromDescriptor);
  }

  async update(
    containerId: string,
    resources: Any,
    annotations: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const request = { containerId, resources: toAny(resources), annotations: { ...annotations } };
    await this.#calls.unary(Tasks.method.update, request);
  }

  async metrics(containerId: string): Promise<Any> {
    const { metrics } = await this.#calls.unary(Tasks.method.metrics, { filters: [`id==${containerId}`] });
    const data = metrics.find(({ id }) => id === containerId)?.data;
    if (!data) throw new Fault("not_found", `No metrics of task "${containerId}"`);
    return fromAny(data);
  }

  async wait(process: ProcessRef, { signal }: { readonly signal?: AbortSignal } = {}): Promise<ProcessExit> {
    const { exitStatus, exitedAt } = await this.#calls.unary(Tasks.method.wait, toRef(process), signal);
    return { pid: 0, exitStatus, exitedAt: toDate(exitedAt) };
  }
}

function toRef({ containerId, execId = "" }: ProcessRef): { containerId: string; execId: string } {
  return { containerId, execId };
}

/** containerd names the container in `id` where it lists tasks, and leaves `containerId` empty. */
function fromMessage(process: ProcessMessage): ProcessState {
  const { stdin, stdout, stderr, terminal, exitStatus, pid } = process;
  const status = taskStatus(process.status);
  return {
    containerId: process.containerId || process.id,
    id: process.id,
    pid,
    status,
    io: { stdin, stdout, stderr, terminal },
    ...(status === "stopped" ? { exit: { pid, exitStatus, exitedAt: toDate(process.exitedAt) } } : {}),
  };
}
