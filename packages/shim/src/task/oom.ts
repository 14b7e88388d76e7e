import { TaskOOMSchema } from "@slipway/api/containerd/events/events_pb";
import { cgroupOf } from "@slipway/linux/cgroup/cgroup";
import { onOutOfMemory } from "@slipway/linux/cgroup/oom";
import type { Container } from "../container.ts";
import type { Shim } from "../shim.ts";

/** Tells when the kernel kills a process of the container for its memory limit. Returns how to stop. */
export function watchOom(shim: Shim, container: Container, pid: number): () => void {
  try {
    return onOutOfMemory(cgroupOf(pid), () => {
      shim.events.publish("/tasks/oom", TaskOOMSchema, { containerId: container.id });
    });
  } catch {
    // No memory controller, or the process is gone already.
    return () => undefined;
  }
}
