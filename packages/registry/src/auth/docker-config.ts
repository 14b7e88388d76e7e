import { mkdir, readFile, readlink, realpath, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Fault, messageOf } from "@slipway/fault/fault";
import { askCredentialHelper } from "./credential-helper.ts";
import type { CredentialSource } from "./credentials.ts";
import { type DockerConfig, readDockerConfig } from "./docker-config-document.ts";

/** The logins that `docker login` stored in `config.json`: of `$DOCKER_CONFIG`, or `~/.docker`. */
export function dockerCredentials(
  directory = process.env["DOCKER_CONFIG"] ?? join(homedir(), ".docker"),
): CredentialSource {
  const origin = join(directory, "config.json");
  return {
    origin,
    async find(host) {
      const config = await readConfig(origin);
      if (!config) return undefined;
      const names = namesOf(host);
      const helper = names.map((name) => config.credHelpers[name]).find((found) => found !== undefined);
      const program = helper ?? config.credsStore;
      const [server = host] = names;
      const fromHelper = program ? await askCredentialHelper(program, server) : undefined;
      if (fromHelper) return { ...fromHelper, origin: `${fromHelper.origin} named in ${origin}` };
      return names.map((name) => config.login(name)).find((found) => found !== undefined);
    },
  };
}

/**
 * Stores a login where `docker login` does, or removes it. What else the file holds stays. Helpers that hold logins elsewhere
 * are not asked to.
 * @throws {Fault} `invalid_argument` when the file is damaged: it is left as it is
 */
export async function writeDockerLogin(
  host: string,
  login: { readonly username: string; readonly password: string } | undefined,
  directory = process.env["DOCKER_CONFIG"] ?? join(homedir(), ".docker"),
): Promise<{ readonly file: string; readonly changed: boolean }> {
  const file = join(directory, "config.json");
  const config = (await readConfig(file)) ?? readDockerConfig(file, "{}");
  const names = namesOf(host);
  const changed = login !== undefined || config.names.some((name) => names.includes(name));
  if (!changed) return { file, changed };
  const auth = login && Buffer.from(`${login.username}:${login.password}`).toString("base64");
  const [name = host] = names;
  const text = config.withLogin(names, auth === undefined ? undefined : { [name]: { auth } });
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await replace(file, text);
  } catch (error) {
    throw new Fault("failed_precondition", `Cannot write ${file}: ${messageOf(error)}`, { cause: error });
  }
  return { file, changed };
}

/** Writes a file whole or not at all, readable by nobody else. A link to it, such as a collection of dotfiles has, stays. */
async function replace(file: string, text: string): Promise<void> {
  const own = await realpath(file).catch(async () =>
    resolve(dirname(file), await readlink(file).catch(() => file)),
  );
  const temporary = `${own}.${process.pid}.${Date.now()}.tmp`;
  try {
    await writeFile(temporary, text, { mode: 0o600, flag: "wx" });
    await rename(temporary, own);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** The file's bytes; undefined if there is none. */
async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Fault("failed_precondition", `Cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}

async function readConfig(file: string): Promise<DockerConfig | undefined> {
  const bytes = await readIfThere(file);
  // Docker takes an empty file for none.
  return bytes && bytes.length > 0 ? readDockerConfig(file, bytes) : undefined;
}

/** Docker Hub's logins are kept under the address of its first API. */
function namesOf(host: string): string[] {
  return host === "registry-1.docker.io" || host === "docker.io"
    ? ["https://index.docker.io/v1/", "index.docker.io", "docker.io"]
    : [host, `https://${host}`, `http://${host}`, `https://${host}/v1/`, `https://${host}/v2/`];
}
