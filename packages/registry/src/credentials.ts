import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** Finds what to log in with at a host; nothing means anonymously. */
export type CredentialSource = (host: string) => Promise<Credentials | undefined>;

interface DockerConfig {
  readonly auths?: Readonly<Record<string, { auth?: string; username?: string; password?: string }>>;
}

/** The logins that `docker login` stored in `config.json`: of `$DOCKER_CONFIG`, or `~/.docker`. */
export function dockerCredentials(
  directory = process.env["DOCKER_CONFIG"] ?? join(homedir(), ".docker"),
): CredentialSource {
  return async (host) => {
    let config: DockerConfig;
    try {
      config = JSON.parse(await readFile(join(directory, "config.json"), "utf8")) as DockerConfig;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
    // Docker Hub's logins are kept under the address of its first API.
    const names =
      host === "registry-1.docker.io"
        ? ["https://index.docker.io/v1/", "docker.io"]
        : [host, `https://${host}`];
    const entry = names.map((name) => config.auths?.[name]).find((found) => found !== undefined);
    if (!entry) return undefined;
    const [username = "", password = ""] = entry.auth
      ? splitOnce(Buffer.from(entry.auth, "base64").toString())
      : [entry.username, entry.password];
    return { username, password };
  };
}

function splitOnce(text: string): [string, string] {
  const at = text.indexOf(":");
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
