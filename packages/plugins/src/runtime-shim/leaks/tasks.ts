import type { FoundLeak } from "@slipway/core/doctor";
import { hasCode } from "@slipway/fault/fault";
import { findContainer, type Look } from "./leaks.ts";

const SIGKILL = 9;

/** Tasks whose container is gone: nobody can name them any more. */
export async function findTasks({ registry, stores, tasks, isYoung }: Look): Promise<FoundLeak[]> {
  const leaks: FoundLeak[] = [];
  for (const { namespace, id, pid, bundle } of registry.all()) {
    if (isYoung(bundle.changedMs) || (await findContainer(stores, namespace, id))) continue;
    leaks.push({
      id: `task:${namespace}/${id}`,
      kind: "task",
      namespace,
      where: `pid ${pid}`,
      reason: `task "${id}" has no container`,
      isAlive: true,
      async remove() {
        const manager = tasks(namespace);
        const ref = { containerId: id };
        await manager.kill(ref, SIGKILL, { all: true }).catch(ignoreMissing);
        await manager.wait(ref);
        await manager.delete(id);
      },
    });
  }
  return leaks;
}

/** It has ended already. */
function ignoreMissing(error: unknown): void {
  if (!hasCode(error, "not_found")) throw error;
}
