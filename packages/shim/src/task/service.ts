import type { Task } from "@slipway/api/containerd/task/v3/task_pb";
import type { ServiceHandlers } from "@slipway/rpc/service";
import type { Shim } from "../shim.ts";
import { closeIo } from "./close-io.ts";
import { connectTask } from "./connect.ts";
import { createTask } from "./create.ts";
import { deleteTask } from "./delete.ts";
import { execTask } from "./exec.ts";
import { killTask } from "./kill.ts";
import { pauseTask } from "./pause.ts";
import { taskPids } from "./pids.ts";
import { resizePty } from "./resize-pty.ts";
import { resumeTask } from "./resume.ts";
import { shutdownShim } from "./shutdown.ts";
import { startTask } from "./start.ts";
import { taskState } from "./state.ts";
import { updateTask } from "./update.ts";
import { waitTask } from "./wait.ts";

/** The task API over `shim`. Versions 2 and 3 have the same messages, so the same handlers serve both. */
export function taskHandlers(shim: Shim): ServiceHandlers<typeof Task> {
  return {
    create: (request) => createTask(shim, request),
    start: (request) => startTask(shim, request),
    delete: (request) => deleteTask(shim, request),
    exec: (request) => execTask(shim, request),
    kill: (request) => killTask(shim, request),
    state: async (request) => {
      await shim.settled(request.id);
      return taskState(shim, request);
    },
    wait: (request, { signal }) => waitTask(shim, request, signal),
    pids: (request) => taskPids(shim, request),
    pause: (request) => pauseTask(shim, request),
    resume: (request) => resumeTask(shim, request),
    update: (request) => updateTask(shim, request),
    resizePty: (request) => resizePty(shim, request),
    closeIO: (request) => closeIo(shim, request),
    connect: (request) => connectTask(shim, request),
    shutdown: (request) => shutdownShim(shim, request),
    checkpoint: async (request) => {
      const { checkpointTask } = await import("./checkpoint.ts");
      return await checkpointTask(shim, request);
    },
    stats: async (request) => {
      const { taskStats } = await import("./stats.ts");
      return taskStats(shim, request);
    },
  };
}
