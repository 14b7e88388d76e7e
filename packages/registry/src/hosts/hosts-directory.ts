import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Fault, messageOf } from "@slipway/fault/fault";
import { allCapabilities } from "./endpoint.ts";
import { type HostConfig, parseHostsFile } from "./hosts-file.ts";

/** What a directory says about the hosts of a namespace, and the file that a message can name. */
export interface HostsDirectory {
  readonly file: string;
  readonly hosts: readonly HostConfig[];
}

/**
 * The configuration of a namespace such as `docker.io` or `registry.example:5000`, in the first root that has a directory
 * for it. Without a hosts.toml, the certificates are taken that lie there as Docker lays them out.
 */
export async function readHostsDirectory(
  roots: readonly string[],
  host: string,
): Promise<HostsDirectory | undefined> {
  for (const root of roots) {
    for (const name of directoryNames(host)) {
      const directory = join(root, name);
      if (!(await exists(directory))) continue;
      const file = join(directory, "hosts.toml");
      const text = await readIfThere(file);
      if (!text) return { file: directory, hosts: [await certificatesIn(directory)] };
      try {
        return { file, hosts: parseHostsFile(text, directory) };
      } catch (error) {
        // containerd logs this and goes on without mirrors and credentials: pulls go where nobody wants them.
        throw new Fault("invalid_argument", `Cannot read ${file}: ${messageOf(error)}`, { cause: error });
      }
    }
  }
  return undefined;
}

/** By core/remotes/docker/config/config_unix.go: a colon may be written as `_5000_`. */
function directoryNames(host: string): string[] {
  const port = /^(.+):(\d+)$/.exec(host);
  return [...(port ? [`${port[1]}_${port[2]}_`] : []), host, "_default"];
}

/** Docker's layout: NAME.crt is an authority, NAME.cert with NAME.key is our own. */
async function certificatesIn(directory: string): Promise<HostConfig> {
  const names = (await readdir(directory)).toSorted();
  const path = (name: string): string => join(directory, name);
  return {
    capabilities: allCapabilities,
    headers: {},
    ca: names.filter((name) => name.endsWith(".crt")).map(path),
    clients: names
      .filter((name) => name.endsWith(".cert"))
      .map((name) => {
        const key = name.replace(/cert$/, "key");
        return [path(name), path(names.includes(key) ? key : name)] as const;
      }),
  };
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
