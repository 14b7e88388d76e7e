import { SystemError, systemCall } from "./system-call.ts";

const waitpidCall = systemCall<[pid: number, status: Uint8Array, options: number]>(
  "int waitpid(int, int *, int)",
);
const WNOHANG = 1;
const ECHILD = 10;

/** How a process ended: as shells say it, 128 + signal when a signal ended it. */
export interface ExitStatus {
  readonly exitCode: number;
  readonly signal?: number;
}

/**
 * waitpid(2) with WNOHANG for one child: how it ended, or `"running"`, or `"unknown"` when it is no child of ours.
 * Never asks for any child: libuv reaps its own.
 */
export function reap(pid: number): ExitStatus | "running" | "unknown" {
  const status = Buffer.alloc(4);
  const result = waitpidCall.raw(pid, status, WNOHANG);
  if (result === 0) return "running";
  if (result === -ECHILD) return "unknown";
  if (result < 0) throw new SystemError(-result, "waitpid");
  return exitStatusOf(status.readInt32LE(0));
}

/** What a wait status says: WEXITSTATUS, WTERMSIG. */
export function exitStatusOf(word: number): ExitStatus {
  const signal = word & 0x7f;
  return signal === 0 ? { exitCode: (word >> 8) & 0xff } : { exitCode: 128 + signal, signal };
}

const waitid = systemCall<[idType: number, id: number, info: Uint8Array, options: number]>(
  "int waitid(int, int, void *, int)",
);
const P_ALL = 0;
const WEXITED = 4;
const WNOWAIT = 0x1000000;

/** The pid of some child that has ended and that nobody reaped yet, or nothing. It stays to be reaped. */
export function peekExited(): number | undefined {
  const info = Buffer.alloc(128);
  const result = waitid.raw(P_ALL, 0, info, WEXITED | WNOHANG | WNOWAIT);
  if (result === -ECHILD) return undefined;
  if (result < 0) throw new SystemError(-result, "waitid");
  // si_pid, in the layout of 64-bit Linux; 0 when no child has ended.
  return info.readInt32LE(16) || undefined;
}
