import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { Fault, messageOf } from "@slipway/fault/fault";
import type { Credentials } from "./credentials.ts";

interface HelperAnswer {
  readonly Username?: string;
  readonly Secret?: string;
}

const timeoutMs = 30_000;

/**
 * Asks `docker-credential-NAME`: https://github.com/docker/docker-credential-helpers#development
 * @returns nothing when the helper has none for the server
 */
export async function askCredentialHelper(name: string, server: string): Promise<Credentials | undefined> {
  const program = `docker-credential-${name}`;
  const origin = `credential helper "${program}"`;
  const [code, stdout, stderr] = await runHelper(program, server);
  if (code !== 0) {
    const said = (stdout || stderr).trim();
    if (/credentials not found/i.test(said)) return undefined;
    throw new Fault("unauthenticated", `Cannot log in to ${server}: ${origin} ended with ${code}: ${said}`);
  }
  let answer: HelperAnswer;
  try {
    answer = JSON.parse(stdout) as HelperAnswer;
  } catch (error) {
    throw new Fault("unauthenticated", `Cannot log in to ${server}: ${origin}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const { Username: username = "", Secret: secret = "" } = answer;
  if (secret === "") return undefined;
  return username === "<token>"
    ? { origin, kind: "identity-token", token: secret }
    : { origin, kind: "password", username, password: secret };
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
