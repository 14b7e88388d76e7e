import type { StateRequest } from "@slipway/api/containerd/task/v3/task_pb";
import { Status } from "@slipway/api/containerd/v1/types/types_pb";
import { toTimestamp } from "@slipway/rpc/timestamp";
import type { ProcessState } from "../process.ts";
import type { Request, Shim } from "../shim.ts";

const statuses: Record<ProcessState["status"], Status> = {
  added: Status.CREATED,
  created: Status.CREATED,
  running: Status.RUNNING,
  pausing: Status.PAUSING,
  paused: Status.PAUSED,
  stopped: Status.STOPPED,
};

export interface StateAnswer {
  readonly id: string;
  readonly bundle: string;
  readonly pid: number;
  readonly status: Status;
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
  readonly exitStatus: number;
  readonly exitedAt?: ReturnType<typeof toTimestamp>;
  readonly execId: string;
}

/** What a process is doing. A paused container pauses its execs, too. */
export function taskState(shim: Shim, request: Request<StateRequest>): StateAnswer {
  const container = shim.container(request.id);
  const process = container.process(request.execId);
  const { stdin, stdout, stderr, terminal } = process.paths;
  const parent = container.init.state.status;
  const status = parent === "paused" || parent === "pausing" ? parent : process.state.status;
  const { exit } = process;
  return {
    id: process.id,
    bundle: container.bundle,
    pid: process.pid,
    status: statuses[status],
    stdin,
    stdout,
    stderr,
    terminal,
    exitStatus: exit?.exitCode ?? 0,
    ...(exit ? { exitedAt: toTimestamp(exit.exitedAt) } : {}),
    execId: request.execId,
  };
}
