import type { Client } from "@slipway/client/client";
import type { Container } from "@slipway/core/containers";
import { hasCode } from "@slipway/fault/fault";
import { integerIn } from "@slipway/fault/read-number";
import type { Labels } from "@slipway/core/labels";
import { parseSignal } from "@slipway/client/signals";
import { taskOf } from "../containers/state.ts";
import { markStopped } from "./restart-labels.ts";
import { timeoutSeconds } from "./stop-flags.ts";
import { stopSignalOf } from "./stop-signal.ts";

export interface StopOptions {
  /** Before it is killed; the container's own, or 10, unless told. */
  readonly timeoutSeconds?: number;
  readonly signal?: string;
}

const SIGKILL = 9;
const longestTimerMs = 2 ** 31 - 1;

/** The container's own; Docker's 10 for a label that another client wrote and that is no number. */
function timeoutOf(labels: Labels): number {
  return integerIn(labels["nerdctl/stop-timeout"] ?? "", timeoutSeconds) ?? 10;
}

/** Asks a container's first process to end, and kills it when it does not in time. One that has ended is fine. */
export async function stopContainer(
  client: Client,
  container: Container,
  options: StopOptions = {},
): Promise<void> {
  const { id, labels } = container;
  await markStopped(client, container);
  const task = await taskOf(client, id);
  if (!task || task.status === "stopped") return;
  if (task.status === "paused") await client.tasks.resume(id);
  const signal = options.signal === undefined ? stopSignalOf(labels) : parseSignal(options.signal);
  const waitSeconds = options.timeoutSeconds ?? timeoutOf(labels);
  const ref = { containerId: id };
  try {
    if (waitSeconds !== 0) {
      await client.tasks.kill(ref, signal);
      if (await endsWithin(client, id, waitSeconds * 1000)) return;
    }
    await client.tasks.kill(ref, SIGKILL);
    await client.tasks.wait(ref);
  } catch (error) {
    // It ended by itself in between.
    if (!hasCode(error, "not_found")) throw error;
  }
}

async function endsWithin(client: Client, containerId: string, milliseconds: number): Promise<boolean> {
  try {
    // Less than none is for ever, in Docker, and so is what a timer cannot count: it would end at once.
    const isForever = milliseconds < 0 || milliseconds > longestTimerMs;
    const options = isForever ? {} : { signal: AbortSignal.timeout(milliseconds) };
    await client.tasks.wait({ containerId }, options);
    return true;
  } catch (error) {
    if (hasCode(error, "deadline_exceeded")) return false;
    throw error;
  }
}
