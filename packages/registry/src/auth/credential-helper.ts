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
  const program = `docker-credential-${name}`;
  const origin = `credential helper "${program}"`;
  const [code, stdout, stderr] = await runHelper(program, server);
  if (code !== 0) {
    const said = (stdout || stderr)
      .replaceAll(/[\s\p{Cc}]+/gu, " ")
      .trim()
      .slice(0, maxShown);
    if (/credentials not found/i.test(said)) return undefined;
    throw new Fault("unauthenticated", `Cannot log in to ${server}: ${origin} ended with ${code}: ${said}`);
  }
  const { username, secret } = readHelperAnswer(origin, stdout);
  if (secret === "") return undefined;
  return username === "<token>"
    ? { origin, kind: "identity-token", token: secret }
    : { origin, kind: "password", username, password: secret };
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

async function runHelper(program: string, server: string): Promise<[code: number, out: string, err: string]> {
  const child = spawn(program, ["get"], { stdio: "pipe", timeout: timeoutMs, killSignal: "SIGKILL" });
  child.stdin.on("error", () => {});
  child.stdin.end(server);
  try {
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "close") as Promise<[number | null]>,
    ]);
    return [code ?? -1, stdout, stderr];
  } catch (error) {
    throw new Fault("unauthenticated", `Cannot run credential helper "${program}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}
