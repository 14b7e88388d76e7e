import type { ProcessExit } from "@slipway/core/tasks";
import { hasCode } from "@slipway/fault/fault";
import { exitTime } from "./exit-time.ts";
import type { ShimTask } from "./shim-task.ts";
import type { TaskRegistry } from "./task-registry.ts";

/**
 * Has the shim delete a stopped task, gives the shim back, and removes the bundle. Clients that do it at the same time, such
 * as one whose container the daemon removes as well, have the same answer.
 */
export async function deleteTask(registry: TaskRegistry, task: ShimTask): Promise<ProcessExit> {
  // What was refused may be possible later.
  task.deletion ??= deleteOnce(registry, task).finally(() => (task.deletion = undefined));
  return await task.deletion;
}

async function deleteOnce(registry: TaskRegistry, task: ShimTask): Promise<ProcessExit> {
  const { afterShim } = task;
  let exit: ProcessExit;
  try {
    const answer = await task.shim.tasks.delete({ id: task.id }, task.call);
    exit = { pid: answer.pid, exitStatus: answer.exitStatus, exitedAt: exitTime(answer.exitedAt) };
  } catch (error) {
    // Its shim died on the way.
    if (hasCode(error, "unavailable")) return (await afterShim) ?? (await deleteOnce(registry, task));
    // A shim that does not know it any more leaves the rest to us.
    if (hasCode(error, "not_found")) await forget(registry, task);
    throw error;
  }
  await forget(registry, task);
  return exit;
}

async function forget(registry: TaskRegistry, task: ShimTask): Promise<void> {
  // Before its shim ends, whose end must not be told as the task's a second time.
  registry.remove(task);
  await task.release().catch(() => undefined);
  task.bundle.delete();
}
