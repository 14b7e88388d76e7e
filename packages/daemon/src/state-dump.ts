import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PluginReport } from "@slipway/core/introspection";
import type { Logger } from "@slipway/core/plugin";
import { messageOf } from "@slipway/fault/fault";
import type { RunningCall } from "@slipway/grpc/server";

/** What the daemon knows of itself. Before it serves there are neither plugins nor calls. */
export interface DumpSources {
  readonly state: string;
  readonly plugins: readonly PluginReport[];
  readonly calls: readonly RunningCall[];
}

/**
 * Says what the daemon is doing and made of, to whoever looks at one that hangs: the summary in the log, all of it in
 * STATE/slipwayd.PID.dump.json, which only root can read.
 */
export function dumpState(log: Logger, { state, plugins, calls }: DumpSources): void {
  const failed = plugins.filter(({ initError }) => initError).map(({ type, id }) => `${type}.${id}`);
  const summary = {
    uptimeSeconds: Math.round(process.uptime()),
    memory: process.memoryUsage(),
    resources: countOf(process.getActiveResourcesInfo()),
    calls: countOf(calls.map(({ path }) => path)),
    plugins: plugins.length,
    failed,
  };
  log.info("state dump", summary);
  const path = join(state, `slipwayd.${process.pid}.dump.json`);
  try {
    const dump = { time: new Date(), pid: process.pid, ...summary, calls, ...processReport() };
    writeFileSync(`${path}.new`, `${JSON.stringify(dump, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
    log.info("state dump is written", { path });
  } catch (error) {
    log.warn("cannot write the state dump", { path, error: messageOf(error) });
  }
}

/** Node's report, without what may be secret (the environment) or slow (names of peers). */
function processReport(): object {
  Object.assign(process.report, { excludeNetwork: true });
  const { javascriptHeap, libuv, resourceUsage, nativeStack } = process.report.getReport() as Record<
    string,
    unknown
  >;
  return { javascriptHeap, libuv, resourceUsage, nativeStack };
}

function countOf(names: readonly string[]): Record<string, number> {
  const groups = Object.entries(Object.groupBy(names, (name) => name));
  return Object.fromEntries(groups.map(([name, found]) => [name, found?.length ?? 0]));
}
