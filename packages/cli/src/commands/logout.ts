import type { Command } from "commander";
import { writeDockerLogin } from "@slipway/registry/docker-config";

export function configure(command: Command): void {
  command.argument("[server]", "the registry's host", "docker.io").action(async (server: string) => {
    const host = server.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
    const { changed } = await writeDockerLogin(host, undefined);
    process.stdout.write(changed ? `Removing login credentials for ${host}\n` : `Not logged in to ${host}\n`);
  });
}
