import type { CloseIORequest } from "@slipway/api/containerd/task/v3/task_pb";
import type { Request, Shim } from "../shim.ts";

/** Gives up our end of the process's input: it ends when the client's end is closed, too. */
export function closeIo(shim: Shim, request: Request<CloseIORequest>): Record<string, never> {
  const process = shim.container(request.id).process(request.execId);
  if (request.stdin) process.closeStdin();
  return {};
}
