import type { Descriptor } from "@slipway/oci/descriptor";
import type { Any } from "../any.ts";
import type { Mount } from "../mounts/mount.ts";

export type TaskStatus = "unknown" | "created" | "running" | "stopped" | "paused" | "pausing";

/** Where a process reads and writes: paths of FIFOs, or URIs (`file://`, `binary://`); empty means nothing. */
export interface ProcessIo {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
}

/** A process of a task: its first one, or one that exec added. */
export interface ProcessState {
  readonly containerId: string;
  /** Equal to `containerId` for the first process. */
  readonly id: string;
  readonly pid: number;
  readonly status: TaskStatus;
  readonly io: ProcessIo;
  /** Meaningful when `status` is "stopped". */
  readonly exit?: ProcessExit;
}

export interface ProcessExit {
  readonly pid: number;
  readonly exitStatus: number;
  readonly exitedAt: Date;
}

export interface ProcessInfo {
  readonly pid: number;
  readonly info?: Any;
}

export interface CreateTaskOptions {
  readonly rootfs: readonly Mount[];
  readonly io: ProcessIo;
  /** What the task is restored from instead of being started. */
  readonly checkpoint?: Descriptor;
  readonly options?: Any;
  /** A shim binary that is not found by the runtime's name. */
  readonly runtimePath?: string;
}

export interface ExecOptions {
  readonly io: ProcessIo;
  /** An OCI process as JSON in an Any. */
  readonly spec: Any;
}

/** Names a process: the task's first one when `execId` is left out. */
export interface ProcessRef {
  readonly containerId: string;
  readonly execId?: string;
}

/**
 * The tasks of one namespace. Mirrors containerd.services.tasks.v1.Tasks; every call fails with `not_found` when the
 * task or the process is not there. The work that a call began goes on when its caller leaves, except `wait`.
 */
export interface TaskManager {
  /** @returns the pid of the first process. @throws {Fault} `already_exists` */
  create(containerId: string, options: CreateTaskOptions): Promise<number>;
  start(process: ProcessRef): Promise<number>;
  delete(containerId: string): Promise<ProcessExit>;
  deleteProcess(containerId: string, execId: string): Promise<ProcessExit>;
  get(process: ProcessRef): Promise<ProcessState>;
  list(): Promise<ProcessState[]>;
  /** `all`: every process of the container. */
  kill(process: ProcessRef, signal: number, options?: { readonly all?: boolean }): Promise<void>;
  exec(containerId: string, execId: string, options: ExecOptions): Promise<void>;
  resizePty(process: ProcessRef, size: { readonly columns: number; readonly rows: number }): Promise<void>;
  closeStdin(process: ProcessRef): Promise<void>;
  pause(containerId: string): Promise<void>;
  resume(containerId: string): Promise<void>;
  pids(containerId: string): Promise<ProcessInfo[]>;
  /**
   * Stores a checkpoint as content. @returns the descriptors of its parts, none when the options name a folder for it.
   */
  checkpoint(containerId: string, options?: Any): Promise<Descriptor[]>;
  update(containerId: string, resources: Any, annotations?: Readonly<Record<string, string>>): Promise<void>;
  metrics(containerId: string): Promise<Any>;
  wait(process: ProcessRef, options?: { readonly signal?: AbortSignal }): Promise<ProcessExit>;
}
