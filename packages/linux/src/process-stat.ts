import { readFileSync } from "node:fs";

/** Some of proc_pid_stat(5). */
export interface ProcessStat {
  /** A letter: `R`, `S`, `Z` ... */
  readonly state: string;
  /** In clock ticks since boot: with the pid it names one process for ever. */
  readonly startTime: number;
  /** As waitpid(2) tells it; meaningful once the process is a zombie. */
  readonly exitStatus: number;
}

/** Undefined when there is no such process. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  let line: string;
  try {
    line = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // The second field is the program's name, in parentheses that it may have itself. The third is the state.
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const field = (number: number): string => fields[number - 3] ?? "";
  return { state: field(3), startTime: Number(field(22)), exitStatus: Number(field(52)) };
}

/** USER_HZ: what the kernel shows ticks in, whatever its own clock. */
const TICKS_PER_SECOND = 100;

/** How long ago a process began, to a hundredth of a second, by a clock that nobody sets; undefined if it is gone. */
export function processAgeMs(pid: number): number | undefined {
  const stat = readProcessStat(pid);
  if (!stat) return undefined;
  const upSeconds = Number(readFileSync("/proc/uptime", "latin1").split(" ")[0]);
  return (upSeconds - stat.startTime / TICKS_PER_SECOND) * 1000;
}

/** When a process began, to a hundredth of a second; undefined when there is no such process. */
export function processStartedAt(pid: number): Date | undefined {
  const ageMs = processAgeMs(pid);
  return ageMs === undefined ? undefined : new Date(Date.now() - ageMs);
}
