import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { Fault, messageOf } from "@slipway/fault/fault";
import { askCredentialHelper } from "./credential-helper.ts";
import type { Credentials, CredentialSource } from "./credentials.ts";

interface DockerAuth {
  readonly auth?: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

interface DockerConfig {
  readonly auths?: Readonly<Record<string, DockerAuth>>;
  readonly credHelpers?: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

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
      const helper = names.map((name) => config.credHelpers?.[name]).find((found) => found !== undefined);
      const program = helper ?? config.credsStore;
      const [server = host] = names;
      const fromHelper = program ? await askCredentialHelper(program, server) : undefined;
      if (fromHelper) return { ...fromHelper, origin: `${fromHelper.origin} named in ${origin}` };
      const entry = names.map((name) => config.auths?.[name]).find((found) => found !== undefined);
      return entry && fromEntry(entry, origin);
    },
  };
}

/** Stores a login where `docker login` does, or forgets it. Helpers that keep logins elsewhere are not asked to. */
export async function writeDockerLogin(
  host: string,
  login: { readonly username: string; readonly password: string } | undefined,
  directory = process.env["DOCKER_CONFIG"] ?? join(homedir(), ".docker"),
): Promise<{ readonly file: string; readonly changed: boolean }> {
  const file = join(directory, "config.json");
  const config = (await readConfig(file)) ?? {};
  const names = namesOf(host);
  const others = Object.entries(config.auths ?? {}).filter(([name]) => !names.includes(name));
  const changed = login !== undefined || others.length < Object.keys(config.auths ?? {}).length;
  const auth = login && Buffer.from(`${login.username}:${login.password}`).toString("base64");
  const [name = host] = names;
  const auths = Object.fromEntries([...others, ...(auth === undefined ? [] : [[name, { auth }]])]);
  if (changed) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    // Whole or not at all, and readable by nobody else.
    await writeFile(`${file}.tmp`, `${JSON.stringify({ ...config, auths }, undefined, "\t")}\n`, {
      mode: 0o600,
    });
    await rename(`${file}.tmp`, file);
  }
  return { file, changed };
}

async function readConfig(file: string): Promise<DockerConfig | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as DockerConfig;
  } catch (error) {
    throw new Fault("invalid_argument", `Cannot read ${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** Docker Hub's logins are kept under the address of its first API. */
function namesOf(host: string): string[] {
  return host === "registry-1.docker.io" || host === "docker.io"
    ? ["https://index.docker.io/v1/", "index.docker.io", "docker.io"]
    : [host, `https://${host}`, `http://${host}`, `https://${host}/v1/`, `https://${host}/v2/`];
}

function fromEntry(entry: DockerAuth, origin: string): Credentials | undefined {
  const { auth, identitytoken, registrytoken } = entry;
  if (registrytoken) return { origin, kind: "header", value: `Bearer ${registrytoken}` };
  if (identitytoken) return { origin, kind: "identity-token", token: identitytoken };
  const [username = "", password = ""] = auth
    ? splitOnce(Buffer.from(auth, "base64").toString())
    : [entry.username, entry.password];
  if (username === "" && password === "") return undefined;
  // Docker puts a NUL behind some passwords.
  return { origin, kind: "password", username, password: password.replace(/\0+$/, "") };
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf(":");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
