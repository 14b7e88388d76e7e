import type { Client } from "@slipway/client/client";
import type { ProcessState } from "@slipway/core/tasks";
import { hasCode } from "@slipway/fault/fault";
import { formatAge, formatDuration } from "../format/time.ts";

/** A container's task; nothing when it was never started, or its task was removed. */
export async function taskOf(client: Client, containerId: string): Promise<ProcessState | undefined> {
  try {
    return await client.tasks.get({ containerId });
  } catch (error) {
    if (hasCode(error, "not_found")) return undefined;
    throw error;
  }
}

/** Docker's word: created, running, paused, exited. */
export function stateWord(task: ProcessState | undefined): string {
  if (!task || task.status === "created" || task.status === "unknown") return "created";
  if (task.status === "pausing") return "paused";
  return task.status === "stopped" ? "exited" : task.status;
}

/** Docker's STATUS column. When a task started is not known here; when its container was made is close to it. */
export function statusText(task: ProcessState | undefined, since: Date, now = new Date()): string {
  const word = stateWord(task);
  if (word === "created") return "Created";
  if (word === "exited") {
    const { exitStatus = 0, exitedAt = now } = task?.exit ?? {};
    return `Exited (${exitStatus}) ${formatAge(exitedAt, now)}`;
  }
  const up = `Up ${formatDuration(now.getTime() - since.getTime())}`;
  return word === "paused" ? `${up} (Paused)` : up;
}
