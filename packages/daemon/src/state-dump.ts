import type { PluginReport } from "@slipway/core/introspection";
import type { Logger } from "@slipway/core/plugin";

/** Logs what the daemon is doing and made of: for who looks at one that hangs. */
export function dumpState(log: Logger, plugins: readonly PluginReport[]): void {
  const resources = Object.entries(
    Object.groupBy(process.getActiveResourcesInfo(), (kind) => kind) as Record<string, string[]>,
  ).map(([kind, found]) => [kind, found.length]);
  const failed = plugins.filter(({ initError }) => initError).map(({ type, id }) => `${type}.${id}`);
  log.info("state dump", {
    uptimeSeconds: Math.round(process.uptime()),
    memory: process.memoryUsage(),
    resources: Object.fromEntries(resources),
    plugins: plugins.length,
    failed,
  });
}
