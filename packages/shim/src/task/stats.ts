import type { StatsRequest } from "@slipway/api/containerd/task/v3/task_pb";
import { Fault } from "@slipway/fault/fault";
import { type Cgroup, cgroupOf } from "@slipway/linux/cgroup/cgroup";
import { legacyStats } from "@slipway/linux/cgroup/legacy-stats";
import { unifiedStats } from "@slipway/linux/cgroup/unified-stats";
import type { Request, Shim } from "../shim.ts";
import { legacyMetrics } from "./legacy-metrics.ts";
import { unifiedMetrics } from "./unified-metrics.ts";

/** The container's cgroup figures, as containerd's metrics message of the cgroup version. */
export function taskStats(
  shim: Shim,
  request: Request<StatsRequest>,
): { stats: { typeUrl: string; value: Uint8Array } } {
  const { init } = shim.container(request.id);
  const cgroup = cgroupOfInit(init.pid, init.exit !== undefined);
  return {
    stats:
      cgroup.version === 2
        ? unifiedMetrics(unifiedStats(cgroup.path))
        : legacyMetrics(legacyStats(cgroup.paths)),
  };
}

function cgroupOfInit(pid: number, isStopped: boolean): Cgroup {
  if (isStopped) throw new Fault("not_found", "cgroup does not exist");
  try {
    return cgroupOf(pid);
  } catch (error) {
    throw new Fault("not_found", "cgroup does not exist", { cause: error });
  }
}
