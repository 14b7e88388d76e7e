import { TaskPausedSchema } from "@slipway/api/containerd/events/events_pb";
import type { PauseRequest } from "@slipway/api/containerd/task/v3/task_pb";
import { saveTask } from "../adoption/record.ts";
import { refuse } from "../process.ts";
import type { Request, Shim } from "../shim.ts";

/** Freezes all processes of a running container. */
export async function pauseTask(shim: Shim, request: Request<PauseRequest>): Promise<Record<string, never>> {
  const container = shim.container(request.id);
  const { init } = container;
  const { state } = init;
  if (state.status === "created") refuse("cannot pause task in created state");
  if (state.status !== "running") refuse(`cannot pause a ${state.status} container`);
  init.state = { status: "pausing", pid: state.pid };
  try {
    await container.runtime.run("OCI runtime pause failed", ["pause", container.id]);
    if (!init.exit) init.state = { status: "paused", pid: state.pid };
    saveTask(shim, container);
  } catch (error) {
    if (!init.exit) init.state = state;
    throw error;
  }
  shim.events.publish("/tasks/paused", TaskPausedSchema, { containerId: container.id });
  return {};
}
