import { constants, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { systemCall } from "./system-call.ts";

const mallocTrim = systemCall<[keep: number]>("int malloc_trim(size_t)");

/**
 * Gives memory back to the kernel when the process has had nothing to do for `idleMs` milliseconds: what its modules
 * left behind when they were loaded, and what its last work did. V8 keeps that until much more was allocated: a quarter
 * of a shim, a third of a daemon (bench/density.ts).
 */
export function releaseMemoryWhenIdle(idleMs: number): void {
  let heldBytes = 0;
  let loop = performance.eventLoopUtilization();
  const look = async (): Promise<void> => {
    const { utilization } = performance.eventLoopUtilization(loop);
    loop = performance.eventLoopUtilization();
    // It may work without allocating: a pull is bytes that pass.
    if (utilization > MOST_UTILIZATION) return void timer.refresh();
    // It stops the process for tens of milliseconds: not for little.
    if (process.memoryUsage.rss() < heldBytes + WORTHWHILE_BYTES) return;
    await collectAll();
    mallocTrim(0);
    heldBytes = process.memoryUsage.rss();
  };
  // Looking takes a file descriptor, and a process that has none left must not end for it: it looks again later.
  const timer = setTimeout(() => void look().catch(() => timer.refresh()), idleMs).unref();
  // Who works allocates, and V8 collects in passing.
  const worked = new PerformanceObserver((list) => {
    if (!list.getEntries().some(isMinor)) return;
    loop = performance.eventLoopUtilization();
    timer.refresh();
  });
  worked.observe({ entryTypes: ["gc"] });
}

/**
 * Has V8 collect all garbage and give its pages back: by `gc` where the command line has --expose-gc (that would cost each
 * start of the daemon 25 ms, bench/daemon-start.ts), else as a debugger would ask for it. V8's flags are not changed: by now
 * its threads read them, and nothing says that they may change under them.
 */
async function collectAll(): Promise<void> {
  if (globalThis.gc) return globalThis.gc({ type: "major", flavor: "last-resort" });
  const { Session } = await import("node:inspector/promises");
  const session = new Session();
  session.connect();
  try {
    await session.post("HeapProfiler.collectGarbage");
  } finally {
    session.disconnect();
  }
}

/** Of a process that has nothing to do, which hears a timer now and then. */
const MOST_UTILIZATION = 0.05;
const WORTHWHILE_BYTES = 2 * 1024 * 1024;

function isMinor(entry: PerformanceEntry & { readonly detail?: unknown }): boolean {
  const detail = entry.detail as { readonly kind?: number } | undefined;
  return detail?.kind === constants.NODE_PERFORMANCE_GC_MINOR;
}
