import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { Fault, messageOf } from "@slipway/fault/fault";
import { type Network, type PluginConfig, readNetwork, readPluginFile, readSinglePlugin } from "./network.ts";

/** A file of a configuration directory: the network that it describes, or why it describes none. */
export type NetworkFile =
  | { readonly path: string; readonly network: Network }
  | { readonly path: string; readonly fault: Fault };

const extensions: ReadonlySet<string> = new Set([".conflist", ".conf", ".json"]);

/**
 * The networks of a directory such as `/etc/cni/net.d`, in the order of the files' names. A file that cannot be read does not
 * hide the others. A directory that is not there has none.
 * @throws {Fault} for a directory that cannot be listed
 */
export async function loadNetworks(directory: string): Promise<NetworkFile[]> {
  const paths = await filesOf(directory, extensions);
  return await Promise.all(
    paths.map(async (path) => {
      try {
        return { path, network: await loadNetwork(directory, path) };
      } catch (error) {
        return { path, fault: asFault(path, error) };
      }
    }),
  );
}

async function loadNetwork(directory: string, path: string): Promise<Network> {
  const bytes = await readFile(path);
  if (extname(path) !== ".conflist") return readSinglePlugin(path, bytes);
  const network = readNetwork(path, bytes);
  const further = network.loadOnlyInlinedPlugins ? [] : await pluginsBeside(directory, network.name);
  const plugins = [...network.plugins, ...further];
  if (plugins.length === 0) throw new Fault("invalid_argument", `Cannot read ${path}: it names no plugin`);
  return { ...network, plugins };
}

/** Plugins that other packages have added to a network: `DIRECTORY/NAME/*.conf`. */
async function pluginsBeside(directory: string, network: string): Promise<PluginConfig[]> {
  const paths = await filesOf(join(directory, network), new Set([".conf"]));
  return await Promise.all(paths.map(async (path) => readPluginFile(path, await readFile(path))));
}

async function filesOf(directory: string, wanted: ReadonlySet<string>): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() && wanted.has(extname(entry.name)))
      .map((entry) => join(directory, entry.name))
      .sort((left, right) => (left < right ? -1 : 1));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw new Fault("unknown", `Cannot list ${directory}: ${messageOf(error)}`, { cause: error });
  }
}

function asFault(path: string, error: unknown): Fault {
  if (error instanceof Fault) return error;
  return new Fault("unknown", `Cannot read ${path}: ${messageOf(error)}`, { cause: error });
}
