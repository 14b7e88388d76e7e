import type { CloseIORequest } from "@slipway/api/containerd/task/v3/task_pb";
import { saveTask } from "../adoption/record.ts";
import type { Request, Shim } from "../shim.ts";

/**
 * Gives up our end of the process's input: it ends when the client's end is closed, too. A client whose input ends at once
 * calls before the process is started, or while its container is created.
 */
export async function closeIo(shim: Shim, request: Request<CloseIORequest>): Promise<Record<string, never>> {
  await shim.settled(request.id);
  const container = shim.container(request.id);
  const process = container.process(request.execId);
  if (!request.stdin || process.isInputClosed) return {};
  process.closeStdin();
  saveTask(shim, container);
  return {};
}
