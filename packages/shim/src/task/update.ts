import type { UpdateTaskRequest } from "@slipway/api/containerd/task/v3/task_pb";
import { refuse } from "../process.ts";
import type { Request, Shim } from "../shim.ts";

/** Changes the limits of a container: `resources` holds the runtime spec's linux.resources in JSON. */
export async function updateTask(
  shim: Shim,
  request: Request<UpdateTaskRequest>,
): Promise<Record<string, never>> {
  const container = shim.container(request.id);
  if (container.init.state.status === "stopped") refuse("cannot update a stopped container");
  const input = Buffer.from(request.resources?.value ?? new Uint8Array()).toString();
  await container.runtime.run("OCI runtime update failed", ["update", "--resources", "-", container.id], {
    input,
  });
  return {};
}
