import { randomBytes } from "node:crypto";
import type { Container } from "@slipway/core/containers";
import { cleanup } from "@slipway/fault/cleanup";
import { Fault } from "@slipway/fault/fault";
import type { Client } from "../connect/client.ts";
import { type Environment, environmentList } from "../spec/environment.ts";
import { removeOwnFiles } from "../own-files/remove-own-files.ts";
import { execProcess, type ExecProcessOptions } from "../spec/exec-process.ts";
import { specAny, specOf } from "../spec/spec-any.ts";
import { Stdio } from "../tasks/stdio.ts";
import { ignoreGone } from "./ignore-gone.ts";
import { RunningExec } from "./running-exec.ts";
import { startFailure } from "./start-failure.ts";
import { RunningProcess } from "./running-process.ts";

export interface ExecOptions extends Omit<ExecProcessOptions, "args" | "env"> {
  /** Over the container's. */
  readonly env?: Environment;
  /** Whether it is given input; without it, it reads nothing. */
  readonly stdin?: boolean;
  /** Aborted: the call rejects with the signal's reason, and the process is ended and removed. */
  readonly signal?: AbortSignal;
}

/** A container that `runContainer` started. Leaving its scope ends and removes it, with all that was made for it. */
export class RunningContainer implements AsyncDisposable {
  readonly id: string;
  /** What the container was made for; when it ends, so does everything in the container. */
  readonly process: RunningProcess;
  readonly #client: Client;
  readonly #container: Container;
  readonly #undo = new AsyncDisposableStack();
  /** Those that are not removed yet. */
  readonly #execs = new Set<RunningExec>();

  constructor(client: Client, container: Container, stdio: Stdio, pid: number) {
    this.id = container.id;
    this.#client = client;
    this.#container = container;
    this.process = new RunningProcess(client, { containerId: this.id }, stdio, pid);
    this.#undo.defer(() => removeContainer(client, container));
    this.#undo.use(stdio);
  }

  /**
   * Starts a further process in the container.
   * @throws {Fault} `failed_precondition` if its first process has exited, or for a program of another machine; `not_found`
   * for a program or a user that the container does not have; `permission_denied` for a program that may not be executed
   */
  async exec(args: readonly string[], options: ExecOptions = {}): Promise<RunningExec> {
    const { terminal = false, stdin = false, env = [], signal, ...further } = options;
    signal?.throwIfAborted();
    const { tasks } = this.#client;
    // The pid of one that has ended may be another's by now; and containerd would say no more than "unknown".
    const { status } = await tasks.get({ containerId: this.id });
    if (status === "stopped")
      throw new Fault("failed_precondition", `Cannot exec in container "${this.id}": it has ended`);
    const base = specOf(this.#container).process;
    const process = execProcess(
      base,
      { ...further, terminal, args, env: environmentList(env) },
      `/proc/${this.process.pid}/root`,
    );
    const ref = { containerId: this.id, execId: `exec-${randomBytes(16).toString("hex")}` };
    await using undo = new AsyncDisposableStack();
    const stdio = undo.use(Stdio.open({ terminal, stdin }));
    await tasks.exec(this.id, ref.execId, { io: stdio.io, spec: specAny("Process", process) });
    undo.defer(() => deleteProcess(this.#client, ref));
    const pid = await tasks.start(ref).catch((error: unknown) => {
      throw startFailure(error);
    });
    signal?.throwIfAborted();
    const made = undo.move();
    const exec = new RunningExec(this.#client, ref, stdio, pid, made);
    made.defer(() => void this.#execs.delete(exec));
    this.#execs.add(exec);
    return exec;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { tasks } = this.#client;
    // What is frozen dies when it is let go: the further processes, too, which are ended first.
    const status = await tasks.get({ containerId: this.id }).then((state) => state.status, ignoreGone);
    if (status === "paused") await tasks.resume(this.id).catch(ignoreGone);
    for (const exec of this.#execs) this.#undo.use(exec);
    await this.#undo.disposeAsync();
  }
}

async function deleteProcess(client: Client, ref: { containerId: string; execId: string }): Promise<void> {
  const { tasks } = client;
  await cleanup(async (signal) => {
    await tasks.kill(ref, SIGKILL).catch(ignoreGone);
    await tasks.wait(ref, { signal }).catch(ignoreGone);
    await tasks.deleteProcess(ref.containerId, ref.execId).catch(ignoreGone);
  });
}

/** Ends what runs, and removes what there is. */
export async function removeContainer(client: Client, container: Container): Promise<void> {
  const { tasks } = client;
  const { id, snapshotter, snapshotKey } = container;
  const ref = { containerId: id };
  await cleanup(async (signal) => {
    await tasks.kill(ref, SIGKILL, { all: true }).catch(ignoreGone);
    await tasks.wait(ref, { signal }).catch(ignoreGone);
    await tasks.delete(id).catch(ignoreGone);
    await client.containers.delete(id).catch(ignoreGone);
    if (snapshotter !== "") await client.snapshotter(snapshotter).remove(snapshotKey).catch(ignoreGone);
    await removeOwnFiles(container, { volumes: true });
  });
}

const SIGKILL = 9;
