import { getSystemErrorMessage } from "node:util";
import type { KillRequest } from "@slipway/api/containerd/task/v3/task_pb";
import { Fault, messageOf } from "@slipway/fault/fault";
import { pidfdSendSignal } from "@slipway/linux/pidfd";
import { isSystemError } from "@slipway/linux/system-call";
import type { Container } from "../container.ts";
import type { TaskProcess } from "../process.ts";
import type { Request, Shim } from "../shim.ts";

/** Sends a signal to a process, or to all of a container's. */
export async function killTask(shim: Shim, request: Request<KillRequest>): Promise<Record<string, never>> {
  const container = shim.container(request.id);
  const target = container.process(request.execId);
  const { status } = target.state;
  if (status === "added") throw new Fault("failed_precondition", "process not created");
  if (status === "stopped") throw new Fault("not_found", "process already finished");

  // Our child's pid stays its own until we reap it, so a signal needs no runtime. A frozen container does: it
  // must be thawed to die.
  const isDirect = request.execId !== "" || (!request.all && (status === "created" || status === "running"));
  if (isDirect && (container.config.hasPidNamespace || request.signal !== SIGKILL || request.execId !== "")) {
    sendSignal(target, request.signal, request.execId === "" ? "unable to signal init: " : "");
  } else {
    await runtimeKill(container, request.signal, request.all);
  }
  return {};
}
const SIGKILL = 9;

/** @param unable begins the reason, as an OCI runtime has it */
function sendSignal({ pid, pidfd }: TaskProcess, signal: number, unable: string): void {
  try {
    if (pidfd === undefined) process.kill(pid, signal);
    else pidfdSendSignal(pidfd, signal);
  } catch (error) {
    if (isSystemError(error, "ESRCH")) throw new Fault("not_found", "process already finished");
    const errno = error instanceof Error && "errno" in error ? Number(error.errno) : 0;
    const why = errno < 0 ? getSystemErrorMessage(errno) : messageOf(error);
    throw new Fault("unknown", `unknown error after kill: ${unable}${why}`, { cause: error });
  }
}

async function runtimeKill(container: Container, signal: number, all: boolean): Promise<void> {
  try {
    const args = ["kill", ...(all ? ["--all"] : []), container.id, String(signal)];
    await container.runtime.run("unknown error after kill", args);
  } catch (error) {
    const message = messageOf(error);
    if (/process already finished|container not running|no such process/i.test(message)) {
      throw new Fault("not_found", "process already finished", { cause: error });
    }
    if (message.includes("does not exist"))
      throw new Fault("not_found", "no such container", { cause: error });
    throw error;
  }
}
