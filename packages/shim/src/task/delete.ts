import { rmSync } from "node:fs";
import { TaskDeleteSchema } from "@slipway/api/containerd/events/events_pb";
import type { DeleteRequest } from "@slipway/api/containerd/task/v3/task_pb";
import { messageOf } from "@slipway/fault/fault";
import { toTimestamp } from "@slipway/rpc/timestamp";
import { saveTask } from "../adoption/record.ts";
import type { Container } from "../container.ts";
import { refuse, type TaskProcess } from "../process.ts";
import { removeContainer } from "../runtime/remove-container.ts";
import type { Request, Shim } from "../shim.ts";

interface Deleted {
  readonly pid: number;
  readonly exitStatus: number;
  readonly exitedAt?: ReturnType<typeof toTimestamp>;
}

/** Forgets a stopped exec, or the whole container once its init has stopped. */
export async function deleteTask(shim: Shim, request: Request<DeleteRequest>): Promise<Deleted> {
  const container = shim.container(request.id);
  const process = container.process(request.execId);
  const { status } = process.state;
  if (status === "running" || status === "paused" || status === "pausing")
    refuse(`cannot delete a ${status} process`);
  if (process !== container.init) return await deleteExec(shim, container, process);

  await deleteContainer(container);
  shim.containers.delete(request.id);
  const deleted = deletion(process);
  shim.events.publish("/tasks/delete", TaskDeleteSchema, { containerId: container.id, ...deleted });
  return deleted;
}

async function deleteExec(shim: Shim, container: Container, exec: TaskProcess): Promise<Deleted> {
  await exec.closeStreams();
  const { bundle } = container;
  const files = [container.execPidFile(exec.id), container.errorsFifo(exec.id), `${bundle}/${exec.id}.json`];
  for (const path of files) rmSync(path, { force: true });
  container.execs.delete(exec.id);
  container.specs.delete(exec.id);
  saveTask(shim, container);
  return deletion(exec);
}

/** What runc and crun say of a container that they forgot when a checkpoint ended it. */
const forgotten = /does not exist|cannot open directory .*: No such file or directory/s;

async function deleteContainer(container: Container): Promise<void> {
  // The terminal's last output and the runtime's removal do not touch each other.
  const [removed] = await Promise.allSettled([removeFromRuntime(container), container.init.closeStreams()]);
  container.unmountRootfs();
  if (removed.status === "rejected" && !forgotten.test(messageOf(removed.reason))) throw removed.reason;
}

async function removeFromRuntime(container: Container): Promise<void> {
  // Without a pid namespace others may have survived the init.
  const hasEnded = container.init.exit !== undefined && container.config.hasPidNamespace;
  if (hasEnded && removeContainer(container.runtime.options, container.id)) return;
  await container.runtime.run("failed to delete task", ["delete", container.id]);
}

function deletion(process: TaskProcess): Deleted {
  const { exit, pid } = process;
  if (!exit) return { pid, exitStatus: 0 };
  return { pid, exitStatus: exit.exitCode, exitedAt: toTimestamp(exit.exitedAt) };
}
