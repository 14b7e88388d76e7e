import { ProcessDetailsSchema } from "@slipway/api/containerd/runc/v1/runc_pb";
import type { PidsRequest } from "@slipway/api/containerd/task/v3/task_pb";
import { Fault, messageOf } from "@slipway/fault/fault";
import { cgroupOf, cgroupPids } from "@slipway/linux/cgroup/cgroup";
import { packAny } from "../events.ts";
import type { Request, Shim } from "../shim.ts";

interface ProcessAnswer {
  readonly pid: number;
  readonly info?: { readonly typeUrl: string; readonly value: Uint8Array };
}

/** All processes in the container, those of execs with their id. */
export function taskPids(shim: Shim, request: Request<PidsRequest>): { processes: ProcessAnswer[] } {
  const container = shim.container(request.id);
  const execs = new Map([...container.execs.values()].map((exec) => [exec.pid, exec.id]));
  if (container.init.state.status === "stopped") return { processes: [] };
  const processes = pidsOf(container.init.pid).map((pid): ProcessAnswer => {
    const execId = execs.get(pid);
    return execId === undefined ? { pid } : { pid, info: packAny(ProcessDetailsSchema, { execId }) };
  });
  return { processes };
}

function pidsOf(init: number): number[] {
  try {
    return cgroupPids(cgroupOf(init));
  } catch (error) {
    throw new Fault("unknown", `Cannot list the processes of the container: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
