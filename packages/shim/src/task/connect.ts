import type { ConnectRequest } from "@slipway/api/containerd/task/v3/task_pb";
import type { Request, Shim } from "../shim.ts";

/** Who we are; for the daemon that comes back after a restart. */
export function connectTask(
  shim: Shim,
  request: Request<ConnectRequest>,
): { shimPid: number; taskPid: number; version: string } {
  const taskPid = shim.containers.get(request.id)?.init.pid ?? 0;
  return { shimPid: process.pid, taskPid, version: "" };
}
