import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { Fault } from "@slipway/fault/fault";
import { checkLogin } from "@slipway/registry/check-login";
import { writeDockerLogin } from "@slipway/registry/docker-config";
import { ask, askSecret } from "../format/ask.ts";

interface LoginFlags {
  readonly username?: string;
  readonly password?: string;
  readonly passwordStdin?: boolean;
}

export function configure(command: Command): void {
  command
    .argument("[server]", "the registry's host", "docker.io")
    .option("-u, --username <name>", "who logs in")
    .option("-p, --password <password>", "others may see it: better let it be asked, or use --password-stdin")
    .option("--password-stdin", "read the password from the input")
    .action(async (server: string, flags: LoginFlags) => {
      const host = server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
      const username = flags.username ?? (await ask("Username: "));
      const password = flags.passwordStdin
        ? (await text(process.stdin)).replace(/\r?\n$/, "")
        : (flags.password ?? (await askSecret("Password: ")));
      if (username === "" || password === "") {
        throw new Fault("invalid_argument", `Cannot log in to "${host}": name and password are needed`);
      }
      const hostsDirectories = ["/etc/containerd/certs.d", "/etc/docker/certs.d"];
      const credentials = { origin: "what was typed", kind: "password", username, password } as const;
      await checkLogin(host, credentials, { hostsDirectories });
      const { file } = await writeDockerLogin(host, { username, password });
      process.stderr.write(`The password is kept in ${file}, where who reads the file can read it.\n`);
      process.stdout.write("Login Succeeded\n");
    });
}
