import type { TableReader } from "@slipway/core/config/table-reader";

/** The plugin's table in config.toml. */
export interface RuntimeConfig {
  /** How many containers one shim of ours may hold; 1 is containerd's own behaviour. */
  readonly containersPerShim: number;
  /** Shim binaries by runtime name; the names of ours may be here, too, to be given to another. */
  readonly binaries: Readonly<Record<string, string>>;
}

/** @throws {Fault} `invalid_argument` */
export function parseRuntimeConfig(table: TableReader): RuntimeConfig {
  // A shim tells itself where it runs.
  table.ignore("platforms");
  table.unsupported("sched_core");
  return {
    containersPerShim: table.integer("containers_per_shim", 100, { least: 1 }),
    binaries: table.stringsByName("shim_binaries"),
  };
}
