import { writeFileSync } from "node:fs";
import { TaskExecStartedSchema, TaskStartSchema } from "@slipway/api/containerd/events/events_pb";
import type { StartRequest } from "@slipway/api/containerd/task/v3/task_pb";
import { Fault } from "@slipway/fault/fault";
import { now } from "@slipway/fault/precise-date";
import { formatSpecJson } from "@slipway/oci/spec-json";
import { saveTask } from "../adoption/record.ts";
import type { Container } from "../container.ts";
import { refuse, type TaskProcess } from "../process.ts";
import { releaseInit } from "../runtime/exec-fifo.ts";
import { readPidFile } from "../runtime/oci-runtime.ts";
import type { Request, Shim } from "../shim.ts";
import { openStreams } from "../stdio/streams.ts";
import { execExited } from "./exit.ts";

/** Starts the user's program in a created container, or an exec that was added. */
export async function startTask(shim: Shim, request: Request<StartRequest>): Promise<{ pid: number }> {
  const container = shim.container(request.id);
  if (request.execId === "") return await startInit(shim, container);
  return await startExec(shim, container, container.process(request.execId));
}

async function startInit(shim: Shim, container: Container): Promise<{ pid: number }> {
  const { init } = container;
  if (init.state.status !== "created") refuse(`cannot start a ${init.state.status} process`);
  const started = Promise.withResolvers<void>();
  container.starting = started.promise;
  try {
    if (container.restore) {
      const { restoreTask } = await import("./restore.ts");
      await restoreTask(shim, container, container.restore);
    } else {
      init.starting();
      await releaseCreated(container);
    }
    const { pid } = init;
    init.state = { status: "running", pid };
    saveTask(shim, container);
    shim.events.publish("/tasks/start", TaskStartSchema, { containerId: container.id, pid });
    return { pid };
  } finally {
    container.starting = undefined;
    started.resolve();
  }
}

/** Lets the init that `create` left waiting run the user's program. */
async function releaseCreated({ runtime, id, init }: Container): Promise<void> {
  if (await releaseInit(runtime.options, id, init.ending)) return;
  await runtime.run("OCI runtime start failed", ["start", id]);
}

async function startExec(shim: Shim, container: Container, exec: TaskProcess): Promise<{ pid: number }> {
  if (exec.state.status !== "added") refuse(`cannot start a ${exec.state.status} process`);
  if (container.init.isExiting) {
    throw new Fault("failed_precondition", `container ${container.id} init process is not running`);
  }
  const spec = container.specs.get(exec.id);
  const pidFile = container.execPidFile(exec.id);
  const specFile = `${container.bundle}/${exec.id}.json`;
  writeFileSync(specFile, formatSpecJson({ ...spec, terminal: exec.paths.terminal }), { mode: 0o600 });
  container.execStarted(exec);
  using _early = shim.reaper.beginning();
  try {
    const args = ["exec", "--process", specFile, "--pid-file", pidFile, "--detach"];
    exec.streams = await openStreams(
      exec.paths,
      container.streamsOf(exec.id, shim.options.namespace),
      (stdio, extra, said) =>
        container.runtime.run("OCI runtime exec failed", [...args, ...extra, container.id], { stdio, said }),
    );
    const pid = readPidFile(pidFile);
    exec.state = { status: "running", pid };
    saveTask(shim, container);
    shim.events.publish("/tasks/exec-started", TaskExecStartedSchema, {
      containerId: container.id,
      execId: exec.id,
      pid,
    });
    shim.reaper.watch(pid, (exit) => execExited(shim, container, exec, exit));
    return { pid };
  } catch (error) {
    exec.notStarted({ exitCode: 0, exitedAt: now() });
    container.execEnded(exec);
    throw error;
  }
}
