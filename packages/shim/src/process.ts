import { closeSync } from "node:fs";
import { Fault } from "@slipway/fault/fault";
import { readProcessStat } from "@slipway/linux/process-stat";
import type { WindowSize } from "@slipway/linux/pty";
import type { Exit } from "./reaper.ts";
import type { Console } from "./stdio/console.ts";
import type { StdioPaths, TaskStdio } from "./stdio/stdio.ts";

export type ProcessState =
  /** An exec that was not started yet. */
  | { readonly status: "added" }
  | { readonly status: "created"; readonly pid: number }
  | { readonly status: "running"; readonly pid: number }
  | { readonly status: "pausing"; readonly pid: number }
  | { readonly status: "paused"; readonly pid: number }
  | { readonly status: "stopped"; readonly pid: number; readonly exit: Exit };

type ProcessStreams = { readonly console: Console } | { readonly stdio: TaskStdio };

/** A process of a container that the shim answers for: its init, or an exec. */
export class TaskProcess {
  readonly id: string;
  readonly paths: StdioPaths;
  state: ProcessState = { status: "added" };
  /** Of a process that another shim started: it is no child of ours, so that its pid may become another's. */
  pidfd: number | undefined;
  /** Resolves when the process has ended and its end was published. */
  readonly exited = Promise.withResolvers<Exit>();
  #streams: ProcessStreams | undefined;
  #isInputClosed = false;
  readonly #ending = Promise.withResolvers<void>();
  #exiting = false;
  #startTime = 0;
  #isExitTold = false;

  constructor(id: string, paths: StdioPaths) {
    this.id = id;
    this.paths = paths;
    // An exec that never starts has nobody who waits.
    this.exited.promise.catch(() => undefined);
  }

  get pid(): number {
    return this.state.status === "added" ? 0 : this.state.pid;
  }

  get exit(): Exit | undefined {
    return this.state.status === "stopped" ? this.state.exit : undefined;
  }

  /** In clock ticks since boot; 0 before it has a pid. */
  get startTime(): number {
    if (this.#startTime === 0 && this.pid !== 0) this.#startTime = readProcessStat(this.pid)?.startTime ?? 0;
    return this.#startTime;
  }

  set startTime(ticks: number) {
    this.#startTime = ticks;
  }

  /** Whether the daemon has the event of its end. */
  get isExitTold(): boolean {
    return this.#isExitTold;
  }

  exitTold(): void {
    this.#isExitTold = true;
  }

  set streams(streams: ProcessStreams) {
    this.#streams = streams;
    // CloseIO may have come while the runtime was still working.
    if (this.#isInputClosed) heldBy(streams).closeStdin();
  }

  /** Whether the client has closed the input: no shim holds it open again. */
  get isInputClosed(): boolean {
    return this.#isInputClosed;
  }

  /** True once the kernel has told its end, before that was published. */
  get isExiting(): boolean {
    return this.#exiting;
  }

  /** Resolves when the kernel has told its end. */
  get ending(): Promise<void> {
    return this.#ending.promise;
  }

  /** What the reaper told: nothing may be started any more that would outlive it. */
  exiting(): void {
    this.#exiting = true;
    this.#ending.resolve();
  }

  stopped(exit: Exit): void {
    this.state = { status: "stopped", pid: this.pid, exit };
    this.exited.resolve(exit);
  }

  /** It stays created, as with containerd, and who waits for it is released. */
  notStarted(exit: Exit): void {
    if (this.state.status === "added") this.exited.resolve(exit);
    else this.stopped(exit);
  }

  resize(size: WindowSize): void {
    if (this.#streams && "console" in this.#streams) this.#streams.console.resize(size);
  }

  /** At any time, before the process is started, too; once is enough. */
  closeStdin(): void {
    this.#isInputClosed = true;
    if (this.#streams) heldBy(this.#streams).closeStdin();
  }

  /** The init that was created is about to run the user's program. */
  starting(): void {
    if (this.#streams && "stdio" in this.#streams) this.#streams.stdio.starting();
  }

  /** Waits (not for ever: a stray process may hold the stream) for the last output, then closes all. */
  async closeStreams(): Promise<void> {
    if (this.pidfd !== undefined) closeSync(this.pidfd);
    this.pidfd = undefined;
    const streams = this.#streams;
    this.#streams = undefined;
    if (!streams) return;
    const held = heldBy(streams);
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, DRAIN_TIMEOUT_MS);
    await Promise.race([held.drained, late.promise]);
    clearTimeout(timer);
    held.close();
  }
}
const DRAIN_TIMEOUT_MS = 10_000;

function heldBy(streams: ProcessStreams): Pick<TaskStdio, "closeStdin" | "drained" | "close"> {
  return "stdio" in streams ? streams.stdio : streams.console;
}

/** Refuses a verb in a state that does not allow it, in containerd's words. */
export function refuse(message: string): never {
  throw new Fault("unknown", message);
}
