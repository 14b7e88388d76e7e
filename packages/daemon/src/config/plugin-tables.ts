import { suggest } from "@slipway/core/config/suggest";
import { isEmpty, type Table, TableReader } from "@slipway/core/config/table-reader";
import { fullName, type Plugin } from "@slipway/core/plugin";
import { messageOf } from "@slipway/fault/fault";
import type { DaemonConfig } from "./config.ts";

interface PluginTables {
  /** By full name: what each plugin takes, values that are not in the file included. */
  readonly effective: Readonly<Record<string, Table>>;
  readonly problems: readonly string[];
}

/** Reads the table of each plugin as its start would. */
export function readPluginTables(
  plugins: readonly Plugin[],
  config: Pick<DaemonConfig, "plugins" | "disabledPlugins" | "requiredPlugins">,
): PluginTables {
  const names = plugins.map(fullName);
  const missing = config.requiredPlugins.filter(
    (name) => !names.includes(name) || config.disabledPlugins.includes(name),
  );
  const effective: Record<string, Table> = {};
  const problems: string[] = [];
  for (const plugin of plugins) {
    const name = fullName(plugin);
    try {
      const reader = new TableReader(config.plugins[name], `plugins."${name}"`);
      plugin.parseConfig(reader);
      problems.push(...reader.warnings());
      const read = reader.effective();
      if (Object.keys(read).length > 0) effective[name] = read;
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  problems.push(
    ...missing.map((name) => `required plugin "${name}" is not here`),
    ...tablesWithoutPlugin(names, config),
  );
  return { effective, problems };
}

// Long names with long common beginnings: more edits would make one plugin of containerd's another.
const mostEdits = 2;

/**
 * A line for each table whose plugin is not here. A table may be for a plugin that was disabled,
 * and one whose values all ask for nothing is what containerd writes for a plugin that nobody configured.
 */
export function tablesWithoutPlugin(
  names: readonly string[],
  { plugins, disabledPlugins }: Pick<DaemonConfig, "plugins" | "disabledPlugins">,
): string[] {
  const tables = Object.keys(plugins).filter(
    (name) => !names.includes(name) && !disabledPlugins.includes(name) && !isServer(name),
  );
  const meant = tables.flatMap((name) => {
    const similar = suggest(name, names, mostEdits);
    return similar === undefined ? [] : [[name, similar] as const];
  });
  const misspelled = new Set(meant.map(([name]) => name));
  const unused = tables.filter((name) => !misspelled.has(name) && !isEmpty(plugins[name]));
  return [
    ...meant.map(([name, similar]) => `no plugin "${name}": did you mean "${similar}"?`),
    ...unused.map((name) => `table plugins."${name}" has no effect: there is no such plugin`),
  ];
}

// The daemon itself serves these, as the top of the configuration says.
function isServer(name: string): boolean {
  return /^io\.containerd\.server\.v1\.(grpc|grpc-tcp|ttrpc|metrics)$/.test(name);
}
