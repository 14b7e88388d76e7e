import type { Client } from "@slipway/client/client";
import { codeOf, messageOf } from "@slipway/fault/fault";
import { Command, CommanderError } from "commander";
import { type Cli, globalsOf } from "./cli.ts";
import { failureText } from "./format/failure.ts";
import { type CommandEntry, commands } from "./commands.ts";

/** Commands whose own exit code is the container's: failures of ours must not be taken for it. */
const ownCode = new Set(["run", "create", "exec", "start"]);
const daemonFailure = 125;

/** The command line. @returns the exit code */
export async function run(args: readonly string[]): Promise<number> {
  let code = 0;
  let client: Client | undefined;
  const program = new Command("slipway");
  const cli: Cli = {
    get globals() {
      return globalsOf(program.opts(), process.env);
    },
    async client() {
      if (!client) {
        const { openClient } = await import("./daemon/open-client.ts");
        client = await openClient(cli.globals);
      }
      return client;
    },
    exit: (value) => (code = value),
  };
  const words = expandGroup(args);
  const typed = find(words);
  describeProgram(program);
  for (const entry of commands) {
    const command = program
      .command(entry.name, { hidden: entry.isGrouped ?? false })
      .summary(entry.summary)
      .description(entry.summary);
    for (const alias of entry.aliases ?? []) command.alias(alias);
    command.exitOverride();
    if (entry === typed) (await entry.load()).configure(command, cli);
  }
  try {
    await program.parseAsync(words, { from: "user" });
    return code;
  } catch (error) {
    return reportFailure(error, typed?.name ?? "");
  } finally {
    await client?.[Symbol.asyncDispose]();
  }
}

function describeProgram(program: Command): void {
  program
    .description("Run containers, with slipwayd or any containerd")
    .option("-a, --address <address>", "the daemon's socket (SLIPWAY_ADDRESS, CONTAINERD_ADDRESS)")
    .option("-H, --host <address>", "the same as --address")
    .option("-n, --namespace <name>", "containerd's namespace (CONTAINERD_NAMESPACE)")
    .option("--snapshotter <name>", "containerd's snapshotter (CONTAINERD_SNAPSHOTTER)")
    .enablePositionalOptions()
    .exitOverride();
}

const withValue = new Set(["-a", "--address", "-H", "--host", "-n", "--namespace", "--snapshotter"]);

/** The command among the words: the first one that is no flag and no flag's value. */
function find(words: readonly string[]): CommandEntry | undefined {
  const name = words[commandIndex(words)];
  return commands.find((entry) => entry.name === name || entry.aliases?.includes(name ?? ""));
}

function commandIndex(words: readonly string[]): number {
  let index = 0;
  while (words[index]?.startsWith("-")) index += withValue.has(words[index] ?? "") ? 2 : 1;
  return index;
}

/** Docker's groups, such as `slipway container ls`: words for the same commands. */
const groups: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  container: { ls: ["ps"], list: ["ps"], prune: ["container-prune"] },
  image: {
    ls: ["images"],
    list: ["images"],
    rm: ["rmi"],
    remove: ["rmi"],
    inspect: ["inspect", "--type", "image"],
    prune: ["image-prune"],
    convert: ["image-convert"],
    verify: ["image-verify"],
  },
  system: { df: ["system-df"], prune: ["system-prune"] },
};

function expandGroup(args: readonly string[]): string[] {
  const index = commandIndex(args);
  const group = groups[args[index] ?? ""];
  const word = args[index + 1];
  if (!group || word === undefined || word.startsWith("-")) return [...args];
  return [...args.slice(0, index), ...(group[word] ?? [word]), ...args.slice(index + 2)];
}

function reportFailure(error: unknown, command: string): number {
  if (error instanceof CommanderError) {
    // Commander has said what is wrong, or printed what was asked for.
    if (error.exitCode === 0) return 0;
    return ownCode.has(command) ? daemonFailure : 1;
  }
  if (codeOf(error) === "canceled" && process.exitCode !== undefined) return Number(process.exitCode);
  process.stderr.write(failureText(error));
  return ownCode.has(command) ? failureCode(messageOf(error)) : 1;
}

/** Docker's codes: 127 when there is no such command, 126 when it cannot be run, 125 for everything else. */
function failureCode(message: string): number {
  if (!/exec|runc|crun|OCI runtime/.test(message)) return daemonFailure;
  // Then it is the runtime itself that is missing.
  if (message.includes("unable to retrieve OCI runtime error")) return daemonFailure;
  if (/executable file .*not found|no such file or directory/i.test(message)) return 127;
  return /permission denied|is a directory|exec format error/i.test(message) ? 126 : daemonFailure;
}
