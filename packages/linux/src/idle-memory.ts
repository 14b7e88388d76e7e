import { constants, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { systemCall } from "./system-call.ts";

const mallocTrim = systemCall<[keep: number]>("int malloc_trim(size_t)");

type Collect = (options: { readonly type: "major"; readonly flavor: "last-resort" }) => void;

/**
 * Gives memory back to the kernel when the process has had nothing to do for `idleMs` milliseconds: what its modules
 * left behind when they were loaded, and what its last work did. V8 keeps that until much more was allocated: a quarter
 * of a shim, a third of a daemon (bench/density.ts).
 */
export function releaseMemoryWhenIdle(idleMs: number): void {
  // Now, at the start, and not beside the threads of later work: V8's flags are theirs, too.
  const collect = collector();
  let heldBytes = 0;
  let loop = performance.eventLoopUtilization();
  const timer = setTimeout(() => {
    const { utilization } = performance.eventLoopUtilization(loop);
    loop = performance.eventLoopUtilization();
    // It may work without allocating: a pull is bytes that pass.
    if (utilization > MOST_UTILIZATION) return void timer.refresh();
    // It stops the process for tens of milliseconds: not for little.
    if (process.memoryUsage.rss() < heldBytes + WORTHWHILE_BYTES) return;
    // Nothing less gives pages back.
    collect({ type: "major", flavor: "last-resort" });
    mallocTrim(0);
    heldBytes = process.memoryUsage.rss();
  }, idleMs).unref();
  // Who works allocates, and V8 collects in passing.
  const worked = new PerformanceObserver((list) => {
    if (!list.getEntries().some(isMinor)) return;
    loop = performance.eventLoopUtilization();
    timer.refresh();
  });
  worked.observe({ entryTypes: ["gc"] });
}

/**
 * What --expose-gc puts into new contexts. Not on the command line: with V8's flags changed, Node compiles its own
 * modules anew, which takes a start 25 ms (bench/daemon-start.ts).
 */
function collector(): Collect {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as Collect;
  setFlagsFromString("--no-expose-gc");
  return collect;
}

/** Of a process that has nothing to do, which hears a timer now and then. */
const MOST_UTILIZATION = 0.05;
const WORTHWHILE_BYTES = 2 * 1024 * 1024;

function isMinor(entry: PerformanceEntry & { readonly detail?: unknown }): boolean {
  const detail = entry.detail as { readonly kind?: number } | undefined;
  return detail?.kind === constants.NODE_PERFORMANCE_GC_MINOR;
}
