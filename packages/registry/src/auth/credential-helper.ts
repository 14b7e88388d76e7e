import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { Fault, messageOf } from "@slipway/fault/fault";
import { parseJson } from "@slipway/oci/documents/json-field";
import type { Credentials } from "./credentials.ts";

const timeoutMs = 30_000;
const maxAnswerBytes = 1024 * 1024;
const maxShown = 300;

/**
 * Asks `docker-credential-NAME`: https://github.com/docker/docker-credential-helpers#development
 * @returns nothing when the helper has none for the server
 */
export async function askCredentialHelper(name: string, server: string): Promise<Credentials | undefined> {
  const origin = helperOrigin(name);
  const stdout = await runHelper(name, "get", server, `Cannot log in to ${server}`);
  if (stdout === undefined) return undefined;
  const { username, secret } = readHelperAnswer(origin, stdout);
  if (secret === "") return undefined;
  return username === "<token>"
    ? { origin, kind: "identity-token", token: secret }
    : { origin, kind: "password", username, password: secret };
}

/** Has `docker-credential-NAME` keep a login, in the place of one that it has. @throws {Fault} `unauthenticated` */
export async function storeInCredentialHelper(
  name: string,
  server: string,
  { username, password }: { readonly username: string; readonly password: string },
): Promise<void> {
  const login = JSON.stringify({ ServerURL: server, Username: username, Secret: password });
  await runHelper(name, "store", login, `Cannot store the login of ${server}`);
}

/** Has `docker-credential-NAME` forget a login. @throws {Fault} `unauthenticated` */
export async function eraseFromCredentialHelper(name: string, server: string): Promise<void> {
  await runHelper(name, "erase", server, `Cannot remove the login of ${server}`);
}

/** What messages call `docker-credential-NAME`. */
export function helperOrigin(name: string): string {
  return `credential helper "docker-credential-${name}"`;
}

/** Reads what a helper prints. @throws {Fault} `unauthenticated`, without anything of it in the message: it is a secret */
export function readHelperAnswer(origin: string, text: string): { username: string; secret: string } {
  try {
    const answer = parseJson(`the answer of ${origin}`, text, { maxBytes: maxAnswerBytes }).required();
    return { username: answer.get("Username").text() ?? "", secret: answer.get("Secret").text() ?? "" };
  } catch {
    const why = "it is not an object with the texts Username and Secret";
    throw new Fault("unauthenticated", `Cannot read the answer of ${origin}: ${why}`);
  }
}

/** @returns what it printed; undefined if it has no login of that server */
async function runHelper(
  name: string,
  action: "get" | "store" | "erase",
  input: string,
  what: string,
): Promise<string | undefined> {
  const [code, stdout, stderr] = await spawnHelper(name, action, input);
  if (code === 0) return stdout;
  const said = (stdout || stderr)
    .replaceAll(/[\s\p{Cc}]+/gu, " ")
    .trim()
    .slice(0, maxShown);
  if (action !== "store" && /credentials not found/i.test(said)) return undefined;
  throw new Fault("unauthenticated", `${what}: ${helperOrigin(name)} ended with ${code}: ${said}`);
}

async function spawnHelper(
  name: string,
  action: string,
  input: string,
): Promise<[code: number, out: string, err: string]> {
  const options = { stdio: "pipe", timeout: timeoutMs, killSignal: "SIGKILL" } as const;
  const child = spawn(`docker-credential-${name}`, [action], options);
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  try {
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close") as Promise<[number | null]>,
    ]);
    return [code ?? -1, stdout, stderr];
  } catch (error) {
    const why = `Cannot run ${helperOrigin(name)}: ${messageOf(error)}`;
    throw new Fault("unauthenticated", why, { cause: error });
  }
}
