import type { JsonField } from "@slipway/oci/documents/json-field";
import { parseJson } from "@slipway/oci/documents/json-field";
import { compareVersions, currentVersion, oldestVersion, versionNumbers } from "./version.ts";

/** One plugin of a network: a program, and what it reads. */
export interface PluginConfig {
  /** The program's name in the plugin directories. */
  readonly type: string;
  /** What the caller may say at run time: `portMappings`, `bandwidth`, `ipRanges`, `dns`, `mac`, `ips` ... */
  readonly capabilities: ReadonlySet<string>;
  /** The whole object, as it was written. */
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * A network configuration list: plugins that are called one after the other.
 * https://github.com/containernetworking/cni/blob/main/SPEC.md#section-1-network-configuration-format
 */
export interface Network {
  readonly name: string;
  /** The version that its plugins are spoken to in. */
  readonly cniVersion: string;
  readonly disableCheck: boolean;
  readonly disableGC: boolean;
  /** Whether plugins of `DIRECTORY/NAME/*.conf` are left out. */
  readonly loadOnlyInlinedPlugins: boolean;
  readonly plugins: readonly PluginConfig[];
  /** The document, for the cache of results. */
  readonly bytes: Uint8Array;
}

/**
 * Reads a `.conflist`.
 * @param document what errors call it, such as its path
 * @throws {Fault} `invalid_argument`, naming the field
 */
export function readNetwork(document: string, bytes: Uint8Array): Network {
  const root = parseJson(document, bytes).required();
  const loadOnlyInlinedPlugins = readBoolean(root.get("loadOnlyInlinedPlugins"));
  const list = root.get("plugins");
  const plugins = list.list(readPlugin);
  if (plugins.length === 0 && (!list.isMissing || loadOnlyInlinedPlugins))
    throw list.refuse("names no plugin");
  return {
    name: readName(root),
    cniVersion: readVersion(root),
    disableCheck: readBoolean(root.get("disableCheck")),
    disableGC: readBoolean(root.get("disableGC")),
    loadOnlyInlinedPlugins,
    plugins,
    bytes,
  };
}

/** Reads a `.conf`, the older form: one plugin, which has the network's name. @throws {Fault} as readNetwork() */
export function readSinglePlugin(document: string, bytes: Uint8Array): Network {
  const root = parseJson(document, bytes).required();
  const [name, cniVersion, plugin] = [readName(root), readVersion(root), readPlugin(root)];
  const list = { name, cniVersion, plugins: [plugin.config] };
  return {
    name,
    cniVersion,
    disableCheck: false,
    disableGC: false,
    loadOnlyInlinedPlugins: true,
    plugins: [plugin],
    bytes: Buffer.from(JSON.stringify(list)),
  };
}

/** Reads one plugin's own file, of `DIRECTORY/NAME/*.conf`. @throws {Fault} as readNetwork() */
export function readPluginFile(document: string, bytes: Uint8Array): PluginConfig {
  return readPlugin(parseJson(document, bytes).required());
}

function readPlugin(field: JsonField): PluginConfig {
  const type = field.required().get("type").text() ?? "";
  if (type === "") throw field.get("type").refuse("is missing");
  // The name becomes a path below the plugin directories.
  if (type.includes("/") || type === "." || type === "..") throw field.get("type").refuse("is no file name");
  const capabilities = Object.entries(field.get("capabilities").record((one) => one.boolean() ?? false));
  return {
    type,
    capabilities: new Set(capabilities.filter(([, isWanted]) => isWanted).map(([name]) => name)),
    config: field.others([]),
  };
}

function readName(root: JsonField): string {
  const field = root.get("name");
  const name = field.text() ?? "";
  if (name === "") throw field.refuse("is missing");
  if (!isNetworkName(name)) throw field.unexpected("a network's name");
  return name;
}

/** Letters, digits, `_`, `.` and `-`, of which the first is a letter or a digit. */
export function isNetworkName(name: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name);
}

/** The newest of `cniVersion` and `cniVersions` that this package speaks. */
function readVersion(root: JsonField): string {
  const single = root.get("cniVersion");
  const named = [
    ...root.get("cniVersions").list((one) => ({ field: one, version: one.text() ?? "" })),
    ...(single.isMissing ? [] : [{ field: single, version: single.text() ?? "" }]),
  ].filter(({ version }) => version !== "");
  for (const { field, version } of named) {
    if (!versionNumbers(version)) throw field.unexpected("a version");
  }
  const known = named
    .map(({ version }) => version)
    .filter((one) => compareVersions(one, currentVersion) <= 0);
  const [newest] = known.sort((left, right) => compareVersions(right, left));
  // A version from the future alone is passed on: the plugins may know it.
  return newest ?? named[0]?.version ?? oldestVersion;
}

/** libcni reads `true` and `"true"`. */
function readBoolean(field: JsonField): boolean {
  if (!field.isText) return field.boolean() ?? false;
  const text = field.text()?.toLowerCase();
  if (text !== "true" && text !== "false") throw field.unexpected("true or false");
  return text === "true";
}
