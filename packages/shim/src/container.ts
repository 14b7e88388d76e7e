import { join } from "node:path";
import { Fault } from "@slipway/fault/fault";
import { unmountAll } from "@slipway/linux/mount";
import type { IoOwner } from "./bundle.ts";
import type { BundleConfig } from "./bundle-config.ts";
import type { TaskProcess } from "./process.ts";
import type { InputHold } from "./stdio/input-fifo.ts";
import type { StdioOwner } from "./stdio/stdio.ts";
import type { OciRuntime } from "./runtime/oci-runtime.ts";

/** A container in this shim: its bundle, its runtime and its processes. */
export class Container {
  readonly id: string;
  readonly bundle: string;
  readonly config: BundleConfig;
  readonly runtime: OciRuntime;
  readonly init: TaskProcess;
  readonly #ioOwner: IoOwner | undefined;
  /** Empty when the daemon had mounted the root file system itself. */
  readonly rootfs: string;
  readonly execs = new Map<string, TaskProcess>();
  /** The runtime spec's `process` of each exec. */
  readonly specs = new Map<string, Record<string, unknown>>();
  /** From where Start restores it, instead of a program to start. */
  restore: { readonly checkpoint: string; readonly parent: string } | undefined;
  /** Settles when the start that goes on was told. */
  starting: Promise<void> | undefined;
  stopOomWatch: (() => void) | undefined;
  /** Execs that were started and whose end is not published. */
  readonly #running = new Set<TaskProcess>();
  #whenIdle: (() => void) | undefined;

  constructor(options: {
    readonly id: string;
    readonly bundle: string;
    readonly config: BundleConfig;
    readonly runtime: OciRuntime;
    readonly init: TaskProcess;
    readonly rootfs: string;
    readonly ioOwner: IoOwner | undefined;
  }) {
    this.id = options.id;
    this.bundle = options.bundle;
    this.config = options.config;
    this.runtime = options.runtime;
    this.init = options.init;
    this.rootfs = options.rootfs;
    this.#ioOwner = options.ioOwner;
  }

  /** The exec of that id, or the init for "". */
  process(execId: string): TaskProcess {
    if (execId === "") return this.init;
    const exec = this.execs.get(execId);
    if (!exec) throw new Fault("not_found", `process does not exist ${execId}`);
    return exec;
  }

  execStarted(exec: TaskProcess): void {
    this.#running.add(exec);
  }

  execEnded(exec: TaskProcess): void {
    this.#running.delete(exec);
    if (this.#running.size === 0) this.#whenIdle?.();
  }

  /** Resolves when no exec runs: the end of the init must be the last that is published. */
  async idle(): Promise<void> {
    if (this.#running.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
    });
  }

  unmountRootfs(): void {
    if (this.rootfs !== "") unmountAll(this.rootfs);
  }

  /** Whose streams are opened for the init (""), or an exec. */
  streamsOf(execId: string, namespace: string, inputHold: InputHold = "at once"): StdioOwner {
    const id = execId === "" ? this.id : execId;
    return { id, namespace, errorsFifo: this.errorsFifo(execId), inputHold, ioOwner: this.#ioOwner };
  }

  /** The FIFO that the errors of the init (""), or of an exec, come through. */
  errorsFifo(execId: string): string {
    return join(this.bundle, execId === "" ? "init.stderr" : `${execId}.stderr`);
  }

  execPidFile(execId: string): string {
    return join(this.bundle, `${execId}.pid`);
  }
}
