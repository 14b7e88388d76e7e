import type { Plugin } from "@slipway/core/plugin";
import { Fault } from "@slipway/fault/fault";

/**
 * Plugins after all those of the kinds that they need, else in the order given.
 * @throws {Fault} `internal` when plugins need each other in a circle
 */
export function startOrder(plugins: readonly Plugin[]): Plugin[] {
  const ordered = new Set<Plugin>();
  const visiting = new Set<Plugin>();
  const visit = (plugin: Plugin): void => {
    if (ordered.has(plugin)) return;
    if (visiting.has(plugin)) {
      throw new Fault("internal", `Cannot order plugins: ${plugin.kind.type}.${plugin.id} needs itself`);
    }
    visiting.add(plugin);
    for (const { type } of Object.values(plugin.needs)) {
      for (const needed of plugins) if (needed.kind.type === type) visit(needed);
    }
    ordered.add(plugin);
  };
  for (const plugin of plugins) visit(plugin);
  return [...ordered];
}
