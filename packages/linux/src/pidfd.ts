import { systemCall } from "./system-call.ts";

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
