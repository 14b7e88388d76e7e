import type { Client } from "@slipway/client/client";
import type { Container } from "@slipway/core/containers";
import { healthStateOf } from "@slipway/core/health";
import { restartDecision } from "@slipway/core/restart";
import type { ProcessState } from "@slipway/core/tasks";
import { hasCode } from "@slipway/fault/fault";
import { processStartedAt } from "@slipway/linux/process-stat";
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

/** Docker's word for a task: created, running, paused, exited. */
export function stateWord(task: ProcessState | undefined): string {
  if (!task || task.status === "created" || task.status === "unknown") return "created";
  if (task.status === "pausing") return "paused";
  return task.status === "stopped" ? "exited" : task.status;
}

/** As stateWord(), and `restarting` for one that the daemon is about to start again. */
export function containerStateWord(
  { labels }: Pick<Container, "labels">,
  task: ProcessState | undefined,
): string {
  return isRestarting(labels, task) ? "restarting" : stateWord(task);
}

/** Docker's STATUS column. A process of another machine has no start that could be known here. */
export function statusText(
  { labels, createdAt }: Pick<Container, "labels" | "createdAt">,
  task: ProcessState | undefined,
  now = new Date(),
): string {
  const word = stateWord(task);
  const restarting = isRestarting(labels, task);
  if (word === "created") return restarting ? "Restarting" : "Created";
  if (word === "exited") {
    const { exitStatus = 0, exitedAt = now } = task?.exit ?? {};
    return `${restarting ? "Restarting" : "Exited"} (${exitStatus}) ${formatAge(exitedAt, now)}`;
  }
  const since = processStartedAt(task?.pid ?? 0) ?? createdAt;
  const up = `Up ${formatDuration(now.getTime() - since.getTime())}`;
  return word === "paused" ? `${up} (Paused)` : `${up}${healthText(labels)}`;
}

function healthText(labels: Container["labels"]): string {
  const health = healthStateOf(labels);
  if (!health) return "";
  return health.status === "starting" ? " (health: starting)" : ` (${health.status})`;
}

function isRestarting(labels: Container["labels"], task: ProcessState | undefined): boolean {
  try {
    // The label comes with the first start: a task that is created after that is a further one.
    return restartDecision(labels, task?.status === "created" ? undefined : task) === "start";
  } catch {
    // Another client's policy, which nobody knows.
    return false;
  }
}
