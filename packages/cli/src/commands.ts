import type { Command } from "commander";
import type { Cli } from "./cli.ts";

/** What a command's file exports: its arguments and flags, and what it does. */
export interface CommandModule {
  configure(command: Command, cli: Cli): void;
}

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly aliases?: readonly string[];
  load(): Promise<CommandModule>;
}

/** Every command. A file is loaded when its command is the one that was typed. */
export const commands: readonly CommandEntry[] = [
  {
    name: "pull",
    summary: "Fetch an image from a registry",
    load: () => import("./commands/pull.ts"),
  },
  {
    name: "run",
    summary: "Create and start a container, and run a command in it",
    load: () => import("./commands/run.ts"),
  },
];
