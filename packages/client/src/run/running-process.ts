import { buffer } from "node:stream/consumers";
import type { Socket } from "node:net";
import type { ProcessExit, ProcessRef } from "@slipway/core/tasks";
import type { Client } from "../connect/client.ts";
import { parseSignal } from "../tasks/signals.ts";
import type { Stdio } from "../tasks/stdio.ts";
import { ignoreGone } from "./ignore-gone.ts";

export interface ProcessOutput {
  /** 128 and the signal's number for one that a signal ended. */
  readonly exitCode: number;
  readonly stdout: Buffer;
  /** Empty for a process with a terminal, which has one output. */
  readonly stderr: Buffer;
}

/** A process in a container, with its streams in this one. */
export class RunningProcess {
  /** As the host counts. */
  readonly pid: number;
  readonly #client: Client;
  readonly #ref: ProcessRef;
  readonly #stdio: Stdio;
  /** What the daemon said once, and cannot say when the process is removed. */
  #exit: ProcessExit | undefined;

  constructor(client: Client, ref: ProcessRef, stdio: Stdio, pid: number) {
    this.#client = client;
    this.#ref = ref;
    this.#stdio = stdio;
    this.pid = pid;
  }

  /** Ends when the last process that writes there is gone. Whoever does not read it makes the process wait in time. */
  get stdout(): AsyncIterable<Uint8Array> {
    return this.#stdio.stdout;
  }

  /** Missing with a terminal, which has one output. */
  get stderr(): AsyncIterable<Uint8Array> | undefined {
    return this.#stdio.stderr;
  }

  /** Missing unless the process was started with input. `endInput` ends it. */
  get stdin(): Socket | undefined {
    return this.#stdio.stdin;
  }

  /** Resolves when what was written is on its way and the process will read no more than that. */
  async endInput(): Promise<void> {
    const { stdin } = this.#stdio;
    if (!stdin) return;
    await new Promise<void>((resolve) => void stdin.end(resolve));
    // The shim holds the input open for clients that come back.
    await this.#client.tasks.closeStdin(this.#ref).catch(ignoreGone);
  }

  /** @param signal `SIGTERM`, `term` or 15. One that has ended is fine. */
  async kill(signal: string | number = "SIGKILL"): Promise<void> {
    await this.#client.tasks.kill(this.#ref, parseSignal(String(signal))).catch(ignoreGone);
  }

  /** Of its terminal. */
  async resize(size: { readonly columns: number; readonly rows: number }): Promise<void> {
    await this.#client.tasks.resizePty(this.#ref, size).catch(ignoreGone);
  }

  /** Resolves when it has ended, also when that was before. Its last output may still have to be read. */
  async wait(options: { readonly signal?: AbortSignal } = {}): Promise<ProcessExit> {
    this.#exit ??= await this.#client.tasks.wait(this.#ref, options);
    return this.#exit;
  }

  /** Ends the input, reads all of the output and waits for the end. */
  async output(options: { readonly signal?: AbortSignal } = {}): Promise<ProcessOutput> {
    const { stdout, stderr } = this.#stdio;
    const read = Promise.all([buffer(stdout), stderr ? buffer(stderr) : Buffer.alloc(0)]);
    // Should the waiting fail, that is what is told.
    read.catch(() => {});
    await this.endInput();
    const { exitStatus } = await this.wait(options);
    const [out, errors] = await read;
    return { exitCode: exitStatus, stdout: out, stderr: errors };
  }
}
