import type { WaitRequest } from "@slipway/api/containerd/task/v3/task_pb";
import { toTimestamp } from "@slipway/rpc/timestamp";
import type { Request, Shim } from "../shim.ts";

/** Answers when the process has ended. A caller that leaves stops waiting; the process goes on. */
export async function waitTask(
  shim: Shim,
  request: Request<WaitRequest>,
  signal: AbortSignal,
): Promise<{ exitStatus: number; exitedAt: ReturnType<typeof toTimestamp> }> {
  const process = shim.container(request.id).process(request.execId);
  const left = Promise.withResolvers<never>();
  const leave = (): void => left.reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  try {
    const exit = await Promise.race([process.exited.promise, left.promise]);
    return { exitStatus: exit.exitCode, exitedAt: toTimestamp(exit.exitedAt) };
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
