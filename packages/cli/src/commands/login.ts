import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { Fault, hasCode } from "@slipway/fault/fault";
import { checkLogin } from "@slipway/registry/check-login";
import type { Credentials } from "@slipway/registry/credentials";
import { writeDockerLogin } from "@slipway/registry/docker-config";
import { ask, askSecret } from "../format/ask.ts";

const hostsDirectories = ["/etc/containerd/certs.d", "/etc/docker/certs.d"];

interface LoginFlags {
  readonly username?: string;
  readonly password?: string;
  readonly passwordStdin?: boolean;
  readonly plainHttp?: boolean;
  readonly insecureRegistry?: boolean;
}

export function configure(command: Command): void {
  command
    .argument("[server]", "the registry's host", "docker.io")
    .option("-u, --username <name>", "who logs in")
    .option("-p, --password <password>", "others may see it: better let it be asked, or use --password-stdin")
    .option("--password-stdin", "read the password from the input")
    .option("--plain-http", "speak HTTP with the registry; with loopback ones that is the default")
    .option("--insecure-registry", "take any certificate, and speak HTTP where there is none")
    .action(async (server: string, flags: LoginFlags) => {
      const host = server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
      const { username, password } = await askFor(host, flags);
      await check(host, { origin: "what was typed", kind: "password", username, password }, flags);
      const { file, keeper } = await writeDockerLogin(host, { username, password });
      const where = keeper === file ? `in ${file}, where who reads the file can read it` : `by ${keeper}`;
      process.stderr.write(`The password is kept ${where}.\n`);
      process.stdout.write("Login Succeeded\n");
    });
}

async function check(
  host: string,
  credentials: Credentials,
  { plainHttp = false, insecureRegistry = false }: LoginFlags,
): Promise<void> {
  const overHttp = { hostsDirectories, defaultScheme: "http" } as const;
  if (plainHttp) return await checkLogin(host, credentials, overHttp);
  if (!insecureRegistry) return await checkLogin(host, credentials, { hostsDirectories });
  try {
    await checkLogin(host, credentials, { hostsDirectories, skipVerify: true });
  } catch (error) {
    // As nerdctl has it: nobody listens there, or somebody who speaks no TLS.
    if (!hasCode(error, "unavailable", "failed_precondition")) throw error;
    await checkLogin(host, credentials, overHttp);
  }
}

/** @throws {Fault} `invalid_argument` without anybody to ask, as docker does */
async function askFor(host: string, flags: LoginFlags): Promise<{ username: string; password: string }> {
  const no = (why: string): Fault => new Fault("invalid_argument", `Cannot log in to "${host}": ${why}`);
  if (host === "") throw no("it is no registry");
  const { passwordStdin = false } = flags;
  if (passwordStdin && flags.password !== undefined)
    throw no("--password and --password-stdin exclude each other");
  if (passwordStdin && flags.username === undefined) throw no("--password-stdin needs --username");
  const isAsked = flags.username === undefined || (flags.password === undefined && !passwordStdin);
  if (isAsked && !process.stdin.isTTY) {
    throw no("there is no terminal to ask for name and password: give --username and --password-stdin");
  }
  const username = flags.username ?? (await ask("Username: "));
  const password = passwordStdin
    ? (await text(process.stdin)).replace(/\r?\n$/, "")
    : (flags.password ?? (await askSecret("Password: ")));
  if (username === "") throw no("the name is empty");
  if (password === "") throw no("the password is empty");
  if (username.includes(":")) throw no(`the name "${username}" has a colon, which no registry can be told`);
  return { username, password };
}
