import type { Client } from "@slipway/client/client";
import { type Container, oomKilledLabel } from "@slipway/core/containers";
import type { ProcessState } from "@slipway/core/tasks";
import { hasCode } from "@slipway/fault/fault";
import { processStartedAt } from "@slipway/linux/process-stat";
import { containerStateWord } from "../containers/state.ts";
import { inspectHealth } from "./health.ts";

/** What Docker says of a time that never was. */
const NEVER = "0001-01-01T00:00:00Z";

/** `State` of `docker inspect`. */
export function inspectState(
  container: Pick<Container, "labels">,
  task: ProcessState | undefined,
  started: Date | undefined,
): Record<string, unknown> {
  const { labels } = container;
  const word = containerStateWord(container, task);
  return {
    Status: word,
    // One that waits to be started again counts, in Docker, too.
    Running: ["running", "paused", "restarting"].includes(word),
    Paused: word === "paused",
    Restarting: word === "restarting",
    OOMKilled: labels[oomKilledLabel] === "true",
    Dead: false,
    Pid: task?.status === "stopped" ? 0 : (task?.pid ?? 0),
    ExitCode: task?.exit?.exitStatus ?? 0,
    Error: "",
    StartedAt: word === "created" ? NEVER : (started?.toISOString() ?? NEVER),
    FinishedAt: task?.exit?.exitedAt.toISOString() ?? NEVER,
    ...inspectHealth(labels),
  };
}

/** When the task was started: of one that has ended, as far as the daemon keeps its events. */
export async function startedAt(
  client: Client,
  { id }: Pick<Container, "id">,
  task: ProcessState | undefined,
): Promise<Date | undefined> {
  if (!task) return undefined;
  if (task.status !== "stopped") return processStartedAt(task.pid);
  const filter = `namespace==${client.namespace},topic=="/tasks/start",event.container_id=="${id}"`;
  try {
    const starts = await Array.fromAsync(client.events.read([filter]));
    return starts.at(-1)?.timestamp;
  } catch (error) {
    // containerd keeps no events.
    if (hasCode(error, "unimplemented")) return undefined;
    throw error;
  }
}
