import { mkdir, readFile, readlink, realpath, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Fault, messageOf } from "@slipway/fault/fault";
import {
  askCredentialHelper,
  eraseFromCredentialHelper,
  helperOrigin,
  storeInCredentialHelper,
} from "./credential-helper.ts";
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
      const program = helperOf(config, names);
      const [server = host] = names;
      const fromHelper = program ? await askCredentialHelper(program, server) : undefined;
      if (fromHelper) return { ...fromHelper, origin: `${fromHelper.origin} named in ${origin}` };
      return names.map((name) => config.login(name)).find((found) => found !== undefined);
    },
  };
}

/** The credential helper that keeps a host's logins; undefined if the file itself does. */
function helperOf(config: DockerConfig, names: readonly string[]): string | undefined {
  const own = names.map((name) => config.credHelpers[name]).find((found) => found !== undefined);
  return (own ?? config.credsStore) || undefined;
}

/**
 * Stores a login where `docker login` does, or removes it: with the credential helper that `config.json` names for the host,
 * else in the file. What else the file holds stays.
 * @returns the file, whether anything changed, and in words what keeps the login
 * @throws {Fault} `invalid_argument` when the file is damaged: it is left as it is; `unauthenticated` when the helper fails
 */
export async function writeDockerLogin(
  host: string,
  login: { readonly username: string; readonly password: string } | undefined,
  directory = process.env["DOCKER_CONFIG"] ?? join(homedir(), ".docker"),
): Promise<{ readonly file: string; readonly changed: boolean; readonly keeper: string }> {
  const file = join(directory, "config.json");
  const config = (await readConfig(file)) ?? readDockerConfig(file, "{}");
  const names = namesOf(host);
  const [server = host] = names;
  const program = helperOf(config, names);
  const keeper = program === undefined ? file : `${helperOrigin(program)} named in ${file}`;
  const isNamed = config.names.some((name) => names.includes(name));
  const isHeld = program !== undefined && (await changeInHelper(program, server, login));
  const changed = login !== undefined || isNamed || isHeld;
  if (login === undefined && !isNamed) return { file, changed, keeper };
  // Docker's own clients list the hosts of a helper's logins, too.
  const entry = login && (program === undefined ? { auth: encoded(login) } : {});
  const text = config.withLogin(names, entry && { [server]: entry });
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await replace(file, text);
  } catch (error) {
    throw new Fault("failed_precondition", `Cannot write ${file}: ${messageOf(error)}`, { cause: error });
  }
  return { file, changed, keeper };
}

function encoded({ username, password }: { readonly username: string; readonly password: string }): string {
  return Buffer.from(`${username}:${password}`).toString("base64");
}

/** @returns whether the helper had a login, or has one now */
async function changeInHelper(
  program: string,
  server: string,
  login: { readonly username: string; readonly password: string } | undefined,
): Promise<boolean> {
  if (login) await storeInCredentialHelper(program, server, login);
  else if (!(await askCredentialHelper(program, server))) return false;
  else await eraseFromCredentialHelper(program, server);
  return true;
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
