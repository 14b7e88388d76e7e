import type { ShutdownRequest } from "@slipway/api/containerd/task/v3/task_pb";
import type { Request, Shim } from "../shim.ts";

/** Ends this process once it serves no container any more. */
export function shutdownShim(shim: Shim, request: Request<ShutdownRequest>): Record<string, never> {
  if (shim.isIdle || request.now) shim.options.onShutdown();
  return {};
}
