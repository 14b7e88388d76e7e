import { TaskResumedSchema } from "@slipway/api/containerd/events/events_pb";
import type { ResumeRequest } from "@slipway/api/containerd/task/v3/task_pb";
import { saveTask } from "../adoption/record.ts";
import { refuse } from "../process.ts";
import type { Request, Shim } from "../shim.ts";

/** Thaws a paused container. */
export async function resumeTask(
  shim: Shim,
  request: Request<ResumeRequest>,
): Promise<Record<string, never>> {
  const container = shim.container(request.id);
  const { init } = container;
  const { state } = init;
  if (state.status === "created") refuse("cannot resume task in created state");
  if (state.status === "running") refuse("cannot resume a running process");
  if (state.status !== "paused") refuse(`cannot resume a ${state.status} container`);
  await container.runtime.run("OCI runtime resume failed", ["resume", container.id]);
  if (!init.exit) init.state = { status: "running", pid: state.pid };
  saveTask(shim, container);
  shim.events.publish("/tasks/resumed", TaskResumedSchema, { containerId: container.id });
  return {};
}
