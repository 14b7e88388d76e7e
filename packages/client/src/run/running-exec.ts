import type { Client } from "../connect/client.ts";
import type { Stdio } from "../tasks/stdio.ts";
import { type ProcessOutput, RunningProcess } from "./running-process.ts";

/**
 * A further process in a container. Leaving its scope ends it and removes what was made for it; so does having its
 * `output`, and the end of its container.
 *
 * @example
 * await using shell = await container.exec(["sh"], { stdin: true });
 */
export class RunningExec extends RunningProcess implements AsyncDisposable {
  /** The events' `execId`. */
  readonly id: string;
  readonly #undo: AsyncDisposableStack;

  /** @param undo removes what was made for it */
  constructor(
    client: Client,
    ref: { readonly containerId: string; readonly execId: string },
    stdio: Stdio,
    pid: number,
    undo: AsyncDisposableStack,
  ) {
    super(client, ref, stdio, pid);
    this.id = ref.execId;
    this.#undo = undo;
  }

  override async output(options: { readonly signal?: AbortSignal } = {}): Promise<ProcessOutput> {
    const output = await super.output(options);
    await this[Symbol.asyncDispose]();
    return output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#undo.disposeAsync();
  }
}
