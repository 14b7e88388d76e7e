import type { ResizePtyRequest } from "@slipway/api/containerd/task/v3/task_pb";
import type { Request, Shim } from "../shim.ts";

/** Sizes a process's terminal; a process without one does not mind. */
export function resizePty(shim: Shim, request: Request<ResizePtyRequest>): Record<string, never> {
  shim.container(request.id).process(request.execId).resize({ columns: request.width, rows: request.height });
  return {};
}
