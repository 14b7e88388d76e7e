import { Fault } from "@slipway/fault/fault";

/** The plugin's table in config.toml. */
export interface RuntimeConfig {
  /** How many containers one shim of ours may hold; 1 is containerd's own behaviour. */
  readonly containersPerShim: number;
  /** Shim binaries by runtime name; the names of ours may be here, too, to be given to another. */
  readonly binaries: Readonly<Record<string, string>>;
}

/** @throws {Fault} `invalid_argument` */
export function parseRuntimeConfig(table: Readonly<Record<string, unknown>>): RuntimeConfig {
  const { containers_per_shim: perShim = 100, shim_binaries: binaries = {} } = table;
  if (typeof perShim !== "number" || !Number.isSafeInteger(perShim) || perShim < 1) {
    throw new Fault("invalid_argument", `Cannot read "containers_per_shim": expected a positive number`);
  }
  if (!isTextTable(binaries)) {
    throw new Fault("invalid_argument", `Cannot read "shim_binaries": expected paths by runtime name`);
  }
  return { containersPerShim: perShim, binaries };
}

function isTextTable(value: unknown): value is Record<string, string> {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.values(value).every((entry) => typeof entry === "string")
  );
}
