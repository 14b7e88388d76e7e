import type { Command } from "commander";
import type { Cli } from "../cli.ts";
import { answers } from "../daemon/answers.ts";
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

/** Asking for a version starts no daemon. */
async function serverVersion(cli: Cli): Promise<{ Version: string; Revision: string } | undefined> {
  const { address } = cli.globals;
  const path = address.replace(/^unix:(\/\/)?/, "");
  if (path.startsWith("/") && !(await answers(path))) return undefined;
  const client = await cli.client();
  const { version: Version, revision: Revision } = await client.introspection.version();
  return { Version, Revision };
}

function textOf(
  client: Readonly<Record<string, string>>,
  server: { readonly Version: string; readonly Revision: string } | undefined,
): string {
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
