import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { pssOf } from "./figures.ts";

const ticksPerSecond = 100;

/** Seconds that a process, its threads and the children that it waited for have computed. */
export function cpuWithChildrenOf(pid: number): number {
  return ticksIn(`/proc/${pid}/stat`, 11, 12, 13, 14) / ticksPerSecond;
}

/** Seconds that each of a process's threads has computed, by the thread's name. */
export function cpuByThread(pid: number): Map<string, number> {
  const found = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${thread}`;
    const name = Number(thread) === pid ? "main" : readFileSync(`${folder}/comm`, "utf8").trim();
    found.set(name, (found.get(name) ?? 0) + ticksIn(`${folder}/stat`, 11, 12) / ticksPerSecond);
  }
  return found;
}

/** The most memory that a process has while `work` runs, in MB of its proportional share: looked at every 50 ms. */
export async function peakPssDuring(pid: number, work: () => Promise<unknown>): Promise<number> {
  const watch = new AbortController();
  let peak = 0;
  const watching = (async () => {
    while (!watch.signal.aborted) {
      peak = Math.max(peak, pssOf(pid));
      await delay(50);
    }
  })();
  try {
    await work();
  } finally {
    watch.abort();
    await watching;
  }
  return peak;
}

function ticksIn(stat: string, ...fields: readonly number[]): number {
  const values = readFileSync(stat, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return fields.reduce((sum, field) => sum + Number(values[field]), 0);
}
