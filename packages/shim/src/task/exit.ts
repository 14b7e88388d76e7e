import { TaskExitSchema } from "@slipway/api/containerd/events/events_pb";
import { toTimestamp } from "@slipway/rpc/timestamp";
import { saveTask } from "../adoption/record.ts";
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
  init.stopped(exit);
  publishExit(shim, container, init);
}

export function execExited(shim: Shim, container: Container, exec: TaskProcess, exit: Exit): void {
  exec.stopped(exit);
  publishExit(shim, container, exec);
  container.execEnded(exec);
}

/** Tells the end of a stopped process, and remembers that it did. */
export function publishExit(shim: Shim, container: Container, process: TaskProcess): void {
  const { id, pid, exit } = process;
  if (!exit) return;
  saveTask(shim, container);
  const message = {
    containerId: container.id,
    id,
    pid,
    exitStatus: exit.exitCode,
    exitedAt: toTimestamp(exit.exitedAt),
  };
  // Told again by a shim that takes over, it is the same event: the daemon knows it by its time.
  shim.events.publish("/tasks/exit", TaskExitSchema, message, {
    at: exit.exitedAt,
    onSent: () => {
      process.exitTold();
      saveTask(shim, container);
    },
  });
}
