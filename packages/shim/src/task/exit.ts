import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { TaskExitSchema } from "@slipway/api/containerd/events/events_pb";
import type { Container } from "../container.ts";
import type { TaskProcess } from "../process.ts";
import type { Exit } from "../reaper.ts";
import type { Shim } from "../shim.ts";

/** The init has ended: whatever else runs in the container ends now, and its end is told first. */
export async function initExited(shim: Shim, container: Container, exit: Exit): Promise<void> {
  const { init } = container;
  init.exiting();
  container.stopOomWatch?.();
  if (!container.config.hasPidNamespace) {
    await container.runtime
      .run("OCI runtime killall failed", ["kill", "--all", container.id, "9"])
      .catch(() => undefined);
  }
  await container.idle();
  // While the start of it is not told yet, its end waits.
  await container.starting;
  if (init.state.status === "paused") {
    await container.runtime.run("OCI runtime resume failed", ["resume", container.id]).catch(() => undefined);
  }
  publishExit(shim, container, init, exit);
}

export function execExited(shim: Shim, container: Container, exec: TaskProcess, exit: Exit): void {
  publishExit(shim, container, exec, exit);
  container.execEnded(exec);
}

function publishExit(shim: Shim, container: Container, process: TaskProcess, exit: Exit): void {
  process.stopped(exit);
  shim.events.publish("/tasks/exit", TaskExitSchema, {
    containerId: container.id,
    id: process.id,
    pid: process.pid,
    exitStatus: exit.exitCode,
    exitedAt: timestampFromDate(exit.exitedAt),
  });
}
