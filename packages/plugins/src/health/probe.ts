import { specAny, specOf } from "@slipway/client/spec-any";
import { Stdio } from "@slipway/client/stdio";
import type { Any } from "@slipway/core/any";
import type { Container } from "@slipway/core/containers";
import type { HealthCheck, HealthResult } from "@slipway/core/health";
import type { ProcessRef, TaskManager } from "@slipway/core/tasks";
import { hasCode, messageOf } from "@slipway/fault/fault";
import { now } from "@slipway/fault/precise-date";
import type { ProcessSpec } from "@slipway/oci/runtime-spec";

const SIGKILL = 9;
const MAX_OUTPUT_BYTES = 4096;
/** Always the same: one probe runs in a container at a time, and the next daemon must find that of one that was killed. */
const EXEC_ID = "slipway-health";
/** For what a process that has ended left in its pipe; a child that it left behind may hold that open for ever. */
const DRAIN_MS = 500;

/**
 * Runs a container's check in it, as its own user, once. A probe that cannot be made has failed, too. `folder`: where its
 * FIFOs are.
 */
export async function probe(
  tasks: TaskManager,
  container: Container,
  check: HealthCheck,
  folder: string,
): Promise<HealthResult> {
  const start = now();
  try {
    const { exitCode, output } = await runProbe(tasks, container, check, folder);
    return { start, end: now(), exitCode, output };
  } catch (error) {
    return { start, end: now(), exitCode: -1, output: messageOf(error) };
  }
}

/** Takes away a probe that a daemon which was killed had begun. */
export async function endProbe(tasks: TaskManager, containerId: string): Promise<void> {
  const process = { containerId, execId: EXEC_ID };
  try {
    const { status } = await tasks.get(process);
    if (status === "running") {
      await tasks.kill(process, SIGKILL);
      await tasks.wait(process);
    }
    await tasks.deleteProcess(containerId, EXEC_ID);
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
  }
}

async function runProbe(
  tasks: TaskManager,
  container: Container,
  check: HealthCheck,
  folder: string,
): Promise<Pick<HealthResult, "exitCode" | "output">> {
  const process = { containerId: container.id, execId: EXEC_ID };
  using stdio = Stdio.open({ folder });
  const output = new BoundedOutput();
  const outputs = Promise.all([output.collect(stdio.stdout), output.collect(stdio.stderr)]);
  const io = stdio.io;
  await tasks.exec(process.containerId, process.execId, { io, spec: processOf(container, check) });
  try {
    await tasks.start(process);
    const exitCode = await exitWithin(tasks, process, check.timeoutMs);
    await Promise.race([outputs, drainTime()]);
    if (exitCode !== undefined) return { exitCode, output: output.text };
    const said = output.text === "" ? "" : `: ${output.text}`;
    return { exitCode: -1, output: `Health check exceeded timeout (${check.timeoutMs / 1000}s)${said}` };
  } finally {
    await tasks.deleteProcess(process.containerId, process.execId).catch(() => undefined);
  }
}

/** The container's own process, with another program. */
function processOf(container: Container, { command }: HealthCheck): Any {
  const own: ProcessSpec = { ...specOf(container).process, terminal: false, args: [...command] };
  delete own.consoleSize;
  return specAny("Process", own);
}

/** The exit code; undefined when the process had to be killed. */
async function exitWithin(
  tasks: TaskManager,
  process: ProcessRef,
  milliseconds: number,
): Promise<number | undefined> {
  try {
    return (await tasks.wait(process, { signal: AbortSignal.timeout(milliseconds) })).exitStatus;
  } catch (error) {
    if (!hasCode(error, "deadline_exceeded")) throw error;
    await tasks.kill(process, SIGKILL).catch(() => undefined);
    await tasks.wait(process);
    return undefined;
  }
}

async function drainTime(): Promise<void> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, DRAIN_MS).unref();
  });
}

/** The beginning of what a probe prints, on both of its streams. */
class BoundedOutput {
  readonly #chunks: Uint8Array[] = [];
  #sizeBytes = 0;

  /** Reads on past the bound: a probe must not wait for a reader. */
  async collect(stream: AsyncIterable<Uint8Array> | undefined): Promise<void> {
    try {
      for await (const chunk of stream ?? []) {
        const kept = chunk.subarray(0, MAX_OUTPUT_BYTES - this.#sizeBytes);
        this.#sizeBytes += kept.length;
        if (kept.length > 0) this.#chunks.push(kept);
      }
    } catch {
      // The stream was closed while a child of the probe held it.
    }
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}
