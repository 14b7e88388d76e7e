import { connect } from "node:net";
import type { Client } from "@slipway/client/client";
import { hasCode } from "@slipway/fault/fault";
import type { LogTarget } from "@slipway/logs/log-uri";
import { containerStateWord, taskOf } from "../containers/state.ts";

/** Resolves when a container's output has ended for good: one that its restart policy brings back goes on. */
export async function followEnd(client: Client, containerId: string, log: LogTarget): Promise<void> {
  const leave = new AbortController();
  const topics = ["/tasks/start", "/tasks/exit", "/containers/update", "/containers/delete"];
  const filters = topics.map((topic) => `namespace==${client.namespace},topic=="${topic}"`);
  // From now on, so that no change falls between a look and the wait for the next.
  const changes = client.events.subscribe(filters, { signal: leave.signal });
  const nextChange = (): ReturnType<typeof changes.next> => {
    const next = changes.next();
    // It may never be looked at: then leaving fails it, for nobody.
    next.catch(() => {});
    return next;
  };
  const first = nextChange();
  try {
    await outputEnd(client, containerId, log);
    let state = await stateOf(client, containerId);
    for (let change = first; state === "restarting" || state === "running"; change = nextChange()) {
      if (state === "running") await outputEnd(client, containerId, log);
      else if ((await change).done) return;
      state = await stateOf(client, containerId);
    }
  } finally {
    leave.abort();
  }
}

/** Whoever is attached sees the end after the log has it. @returns false when nobody shows it */
export async function endOfAttach({ attach }: LogTarget): Promise<boolean> {
  if (attach === undefined) return false;
  return await new Promise((resolve) => {
    let connected = false;
    connect(attach)
      .on("connect", () => (connected = true))
      .on("error", () => {})
      .on("close", () => resolve(connected))
      .resume();
  });
}

/** Resolves when a running task's output has ended and is written. */
async function outputEnd(client: Client, containerId: string, log: LogTarget): Promise<void> {
  if (await endOfAttach(log)) return;
  await client.tasks.wait({ containerId }).catch(() => {});
}

async function stateOf(client: Client, id: string): Promise<string> {
  try {
    return containerStateWord(await client.containers.get(id), await taskOf(client, id));
  } catch (error) {
    if (hasCode(error, "not_found")) return "removed";
    throw error;
  }
}
