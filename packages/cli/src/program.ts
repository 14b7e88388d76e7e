import type { Client } from "@slipway/client/client";
import { codeOf, messageOf } from "@slipway/fault/fault";
import { Command, CommanderError } from "commander";
import { type Cli, globalsOf } from "./cli.ts";
import { failureText, hintText } from "./format/failure.ts";
import { withBooleanValues } from "./boolean-values.ts";
import { type CommandEntry, commands } from "./commands.ts";
import { expandGroup, groupHelp, groups } from "./groups.ts";
import { version } from "./version.ts";

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
  describeProgram(program);
  try {
    const words = wordsOf(args);
    const help = groupHelp(words[commandIndex(words)] ?? "", summaryOf);
    if (help !== undefined) process.stdout.write(help);
    else await parse(program, words, cli);
    return code;
  } catch (error) {
    return reportFailure(error, find(args)?.name ?? "");
  } finally {
    await client?.[Symbol.asyncDispose]();
  }
}

/** What was typed, without groups and with Docker's ways to ask for help. */
function wordsOf(args: readonly string[]): readonly string[] {
  const asksForHelp = args[0] === "help";
  const asked = asksForHelp ? [...args.slice(1), "--help"] : args.length === 0 ? ["--help"] : args;
  return expandGroup(asked, commandIndex(asked));
}

async function parse(program: Command, words: readonly string[], cli: Cli): Promise<void> {
  const typed = find(words);
  let parsed = words;
  for (const entry of commands) {
    const command = program
      .command(entry.name, { hidden: entry.isGrouped ?? false })
      .summary(entry.summary)
      .description(entry.summary);
    for (const alias of entry.aliases ?? []) command.alias(alias);
    command.exitOverride().showHelpAfterError(`See "slipway ${entry.name.replace("-", " ")} --help".`);
    if (entry !== typed) continue;
    (await entry.load()).configure(command, cli);
    const index = commandIndex(words) + 1;
    parsed = [...words.slice(0, index), ...withBooleanValues(words.slice(index), command)];
  }
  await program.parseAsync(parsed, { from: "user" });
}

function summaryOf(name: string): string {
  return commands.find((entry) => entry.name === name)?.summary ?? "";
}

function describeProgram(program: Command): void {
  program
    .description("Run containers, with slipwayd or any containerd")
    .option("-a, --address <address>", "the daemon's socket (SLIPWAY_ADDRESS, CONTAINERD_ADDRESS)")
    .option("-H, --host <address>", "the same as --address")
    .option("-n, --namespace <name>", "containerd's namespace (CONTAINERD_NAMESPACE)")
    .option("--snapshotter <name>", "containerd's snapshotter (CONTAINERD_SNAPSHOTTER)")
    .version(`slipway version ${version}`, "-v, --version", "show the version")
    .helpCommand(false)
    .addHelpText("after", `\n${groupsText()}`)
    .showHelpAfterError('See "slipway --help".')
    .enablePositionalOptions()
    .exitOverride();
}

function groupsText(): string {
  const names = Object.entries(groups).map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}\n`);
  return `Groups (slipway GROUP --help):\n${names.join("")}`;
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

function reportFailure(error: unknown, command: string): number {
  if (error instanceof CommanderError) {
    // Commander has said what is wrong, or printed what was asked for.
    if (error.exitCode === 0) return 0;
    return ownCode.has(command) ? daemonFailure : 1;
  }
  if (codeOf(error) === "canceled" && process.exitCode !== undefined) return Number(process.exitCode);
  process.stderr.write(failureText(error));
  if (/the connection closed before the answer/.test(messageOf(error))) {
    process.stderr.write(hintText("the daemon has ended, or was started again; containers go on"));
  }
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
