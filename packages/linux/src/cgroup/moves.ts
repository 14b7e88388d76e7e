import { closeSync, constants, openSync, readFileSync, write } from "node:fs";
import { join } from "node:path";
import { type Cgroup, cgroupOf } from "./cgroup.ts";

/**
 * Says that a process will be moved to another cgroup within the next 20 milliseconds or so. The kernel lets the first
 * move after a quiet time wait for an RCU grace period, 5 to 15 ms with all moves behind it, and those not that
 * follow within another. Who asks before it starts a runtime has that wait beside the runtime's own start: an eighth of
 * a container's life (bench/run.ts).
 *
 * Asks by moving this process to where it is. Where that cannot be done, nothing happens.
 * https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree/kernel/cgroup/cgroup.c, cgroup_attach_lock
 */
export async function expectMoves(): Promise<void> {
  asking ??= ask().finally(() => {
    asking = undefined;
  });
  await asking;
}
let asking: Promise<void> | undefined;

async function ask(): Promise<void> {
  const fd = ownProcesses();
  if (fd === undefined) return;
  // The kernel waits in this call: on a thread of libuv's pool. "0" is the process that writes it.
  await new Promise<void>((resolve) => {
    write(fd, "0", () => resolve());
  });
}

let own: { readonly membership: string; readonly fd: number | undefined } | undefined;

/** The list of processes of the cgroup that this process is in, open for writing. */
function ownProcesses(): number | undefined {
  const membership = readFileSync("/proc/self/cgroup", "utf8");
  if (own?.membership === membership) return own.fd;
  if (own?.fd !== undefined) closeSync(own.fd);
  own = { membership, fd: openProcesses(cgroupOf(process.pid)) };
  return own.fd;
}

function openProcesses(cgroup: Cgroup): number | undefined {
  const folder = cgroup.version === 2 ? cgroup.path : [...cgroup.paths.values()][0];
  if (folder === undefined) return undefined;
  try {
    const path = join(folder, "cgroup.procs");
    // With mounts from another cgroup namespace it may be some other cgroup, into which nothing must be moved.
    const isOwn = readFileSync(path, "utf8").split("\n").includes(String(process.pid));
    return isOwn ? openSync(path, constants.O_WRONLY) : undefined;
  } catch {
    return undefined;
  }
}
