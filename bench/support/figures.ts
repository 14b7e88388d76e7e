import { existsSync, readFileSync } from "node:fs";

/** The middle one, of an even number the upper of the two. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Seconds that a process and its threads have computed. */
export function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** A process's proportional share of memory, in MB; 0 for one that has ended. */
export function pssOf(pid: number): number {
  const rollup = `/proc/${pid}/smaps_rollup`;
  if (!existsSync(rollup)) return 0;
  return Number(/^Pss: +(\d+)/m.exec(readFileSync(rollup, "utf8"))?.[1]) / 1024;
}
