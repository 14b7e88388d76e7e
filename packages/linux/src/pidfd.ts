import { readProcessStat } from "./process-stat.ts";
import { systemCall } from "./system-call.ts";
import { type ExitStatus, exitStatusOf } from "./wait.ts";

const SYS_pidfd_send_signal = 424;
const SYS_pidfd_open = 434;
const pidfdOpenCall = systemCall<[number, number, number]>(
  "long syscall(long, int, unsigned int)",
  "pidfd_open",
);
const pidfdSendSignalCall = systemCall<[number, number, number, null, number]>(
  "long syscall(long, int, int, void *, unsigned int)",
  "pidfd_send_signal",
);

/** pidfd_open(2): a descriptor that stays this process's, whatever becomes of its number. Linux 5.3. */
export function pidfdOpen(pid: number): number {
  return pidfdOpenCall(SYS_pidfd_open, pid, 0);
}

/** pidfd_send_signal(2). */
export function pidfdSendSignal(pidfd: number, signal: number): void {
  pidfdSendSignalCall(SYS_pidfd_send_signal, pidfd, signal, null, 0);
}

const ioctl = systemCall<[fd: number, request: number, info: Uint8Array]>(
  "int ioctl(int, unsigned long, void *)",
);
/** _IOWR(0xff, 11, 64 bytes): include/uapi/linux/pidfd.h. */
const PIDFD_GET_INFO = 0xc040ff0b;
const PIDFD_INFO_EXIT = 1n << 3n;

/**
 * How a process that is not our child ended, once its pidfd is readable. The kernel tells it in PIDFD_GET_INFO after
 * the parent has reaped it (Linux 6.15), and in /proc until then. Undefined when neither does.
 */
export function pidfdExitStatus(pidfd: number, pid: number): ExitStatus | undefined {
  // Between the two looks at the first, its parent may reap it.
  const word = reapedStatus(pidfd) ?? zombieStatus(pid) ?? reapedStatus(pidfd);
  return word === undefined ? undefined : exitStatusOf(word);
}

function reapedStatus(pidfd: number): number | undefined {
  const info = Buffer.alloc(64);
  info.writeBigUInt64LE(PIDFD_INFO_EXIT);
  // A kernel that does not know it, or (ESRCH) nothing more of the process.
  if (ioctl.raw(pidfd, PIDFD_GET_INFO, info) < 0) return undefined;
  return info.readBigUInt64LE() & PIDFD_INFO_EXIT ? info.readInt32LE(60) : undefined;
}

function zombieStatus(pid: number): number | undefined {
  const stat = readProcessStat(pid);
  return stat?.state === "Z" ? stat.exitStatus : undefined;
}
