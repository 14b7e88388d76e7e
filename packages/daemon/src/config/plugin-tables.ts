import { suggest } from "@slipway/core/config/suggest";
import { type Table, TableReader } from "@slipway/core/config/table-reader";
import { fullName, type Plugin } from "@slipway/core/plugin";
import { messageOf } from "@slipway/fault/fault";

interface PluginTables {
  /** By full name: what each plugin takes, values that are not in the file included. */
  readonly effective: Readonly<Record<string, Table>>;
  readonly problems: readonly string[];
}

/** Reads the table of each plugin as its start would. */
export function readPluginTables(
  plugins: readonly Plugin[],
  tables: Readonly<Record<string, Table>>,
): PluginTables {
  const effective: Record<string, Table> = {};
  const problems: string[] = [];
  for (const plugin of plugins) {
    const name = fullName(plugin);
    try {
      const reader = new TableReader(tables[name], `plugins."${name}"`);
      plugin.parseConfig(reader);
      problems.push(...reader.unknownKeys());
      const read = reader.effective();
      if (Object.keys(read).length > 0) effective[name] = read;
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  return { effective, problems: [...problems, ...misspelledPlugins(plugins.map(fullName), tables)] };
}

// Long names with long common beginnings: more edits would make one plugin of containerd's another.
const mostEdits = 2;

/** A line for each table whose plugin is not here, but nearly: files for containerd have tables of plugins of its own. */
export function misspelledPlugins(
  names: readonly string[],
  tables: Readonly<Record<string, Table>>,
): string[] {
  return Object.keys(tables)
    .filter((name) => !names.includes(name))
    .flatMap((name) => {
      const meant = suggest(name, names, mostEdits);
      return meant === undefined ? [] : [`no plugin "${name}": did you mean "${meant}"?`];
    });
}
