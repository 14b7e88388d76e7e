import { Version as VersionService } from "@slipway/api/containerd/services/version/v1/version_pb";
import { GrpcChannel } from "@slipway/grpc/channel";
import { createClient } from "@slipway/rpc/create-client";
import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { answers } from "@slipway/linux/answers";
import { parseTemplate } from "../format/template.ts";
import { version } from "../version.ts";

export function configure(command: Command, cli: Cli): void {
  command
    .option("-f, --format <template>", "json, or a template such as {{.Client.Version}}")
    .action(async ({ format }: { readonly format?: string }) => {
      const client = { Version: version, NodeVersion: process.version, Os: "linux", Arch: process.arch };
      const server = await serverVersion(cli);
      const fields = { Client: client, Server: server ?? null };
      if (format === "json") process.stdout.write(`${JSON.stringify(fields)}\n`);
      else if (format !== undefined) process.stdout.write(`${parseTemplate(format)(fields)}\n`);
      else process.stdout.write(textOf(client, server));
      if (!server && format === undefined) {
        process.stderr.write(`slipway: Cannot reach "${cli.globals.address}": no daemon answers\n`);
        cli.exit(1);
      }
    });
}

/** Asking for a version starts no daemon, and loads nothing but what it takes to ask. */
async function serverVersion({ globals }: Cli): Promise<ServerVersion | undefined> {
  const path = globals.address.replace(/^unix:(\/\/)?/, "");
  if (!path.startsWith("/") || !(await answers(path))) return undefined;
  await using channel = new GrpcChannel(path);
  const { version: Version, revision: Revision } = await createClient(VersionService, channel).version({});
  return { Version, Revision };
}

interface ServerVersion {
  readonly Version: string;
  readonly Revision: string;
}

function textOf(client: Readonly<Record<string, string>>, server: ServerVersion | undefined): string {
  const lines = [
    "Client:",
    ` Version:      ${client["Version"]}`,
    ` Node version: ${client["NodeVersion"]}`,
    ` OS/Arch:      ${client["Os"]}/${client["Arch"]}`,
    ...(server
      ? [
          "",
          "Server:",
          ` ${server.Version.includes("slipway") ? "slipwayd" : "containerd"}:`,
          `  Version:     ${server.Version}`,
          `  Revision:    ${server.Revision}`,
        ]
      : []),
  ];
  return lines.map((line) => `${line}\n`).join("");
}
