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
  /** Typed as two words, such as `image prune`; not listed. */
  readonly isGrouped?: boolean;
  load(): Promise<CommandModule>;
}

/** Every command. A file is loaded when its command is the one that was typed. */
export const commands: readonly CommandEntry[] = [
  {
    name: "run",
    summary: "Create and start a container, and run a command in it",
    load: () => import("./commands/run.ts"),
  },
  {
    name: "create",
    summary: "Create a container",
    load: () => import("./commands/create.ts"),
  },
  {
    name: "start",
    summary: "Start containers that were created or have ended",
    load: () => import("./commands/start.ts"),
  },
  {
    name: "exec",
    summary: "Run a command in a running container",
    load: () => import("./commands/exec.ts"),
  },
  {
    name: "attach",
    summary: "Tie this terminal to a container that was left",
    load: () => import("./commands/attach.ts"),
  },
  {
    name: "ps",
    summary: "List containers",
    load: () => import("./commands/ps.ts"),
  },
  {
    name: "logs",
    summary: "Show what a container has printed",
    load: () => import("./commands/logs.ts"),
  },
  {
    name: "top",
    summary: "Show a container's processes",
    load: () => import("./commands/top.ts"),
  },
  {
    name: "stats",
    summary: "Show what containers use",
    load: () => import("./commands/stats.ts"),
  },
  {
    name: "stop",
    summary: "Stop containers",
    load: () => import("./commands/stop.ts"),
  },
  {
    name: "restart",
    summary: "Stop containers and start them again",
    load: () => import("./commands/restart.ts"),
  },
  {
    name: "kill",
    summary: "Send a signal to containers",
    load: () => import("./commands/kill.ts"),
  },
  {
    name: "pause",
    summary: "Freeze containers",
    load: () => import("./commands/pause.ts"),
  },
  {
    name: "unpause",
    summary: "Let frozen containers go on",
    load: () => import("./commands/unpause.ts"),
  },
  {
    name: "wait",
    summary: "Wait until containers end, and print their exit codes",
    load: () => import("./commands/wait.ts"),
  },
  {
    name: "rm",
    summary: "Remove containers",
    load: () => import("./commands/rm.ts"),
  },
  {
    name: "rename",
    summary: "Give a container another name",
    load: () => import("./commands/rename.ts"),
  },
  {
    name: "container-prune",
    summary: "Remove containers that do not run",
    isGrouped: true,
    load: () => import("./commands/container-prune.ts"),
  },
  {
    name: "update",
    summary: "Change what containers may use",
    load: () => import("./commands/update.ts"),
  },
  {
    name: "diff",
    summary: "Show which files a container has changed",
    load: () => import("./commands/diff.ts"),
  },
  {
    name: "commit",
    summary: "Make an image of a container",
    load: () => import("./commands/commit.ts"),
  },
  {
    name: "checkpoint",
    summary: "Write down what a container is doing, and list and remove that",
    load: () => import("./commands/checkpoint.ts"),
  },
  {
    name: "inspect",
    summary: "Show everything about containers or images",
    load: () => import("./commands/inspect.ts"),
  },
  {
    name: "images",
    summary: "List images",
    load: () => import("./commands/images.ts"),
  },
  {
    name: "pull",
    summary: "Fetch an image from a registry",
    load: () => import("./commands/pull.ts"),
  },
  {
    name: "push",
    summary: "Send an image to a registry",
    load: () => import("./commands/push.ts"),
  },
  {
    name: "tag",
    summary: "Give an image a further name",
    load: () => import("./commands/tag.ts"),
  },
  {
    name: "rmi",
    summary: "Remove images",
    load: () => import("./commands/rmi.ts"),
  },
  {
    name: "history",
    summary: "Show how an image was made",
    load: () => import("./commands/history.ts"),
  },
  {
    name: "save",
    summary: "Write images to an archive",
    load: () => import("./commands/save.ts"),
  },
  {
    name: "load",
    summary: "Read images from an archive",
    load: () => import("./commands/load.ts"),
  },
  {
    name: "image-prune",
    summary: "Remove images that nobody uses",
    isGrouped: true,
    load: () => import("./commands/image-prune.ts"),
  },
  {
    name: "image-convert",
    summary: "Make another form of an image",
    isGrouped: true,
    load: () => import("./commands/image-convert.ts"),
  },
  {
    name: "image-verify",
    summary: "Compare what is stored of images with its digests",
    isGrouped: true,
    load: () => import("./commands/image-verify.ts"),
  },
  {
    name: "login",
    summary: "Log in to a registry",
    load: () => import("./commands/login.ts"),
  },
  {
    name: "logout",
    summary: "Forget the login of a registry",
    load: () => import("./commands/logout.ts"),
  },
  {
    name: "system-df",
    summary: "Show what images and containers take",
    isGrouped: true,
    load: () => import("./commands/system-df.ts"),
  },
  {
    name: "system-prune",
    summary: "Remove what nobody uses",
    isGrouped: true,
    load: () => import("./commands/system-prune.ts"),
  },
  {
    name: "doctor",
    summary: "Show and remove what crashes left behind",
    load: () => import("./commands/doctor.ts"),
  },
  {
    name: "events",
    summary: "Show what happens in the daemon",
    load: () => import("./commands/events.ts"),
  },
  {
    name: "volume",
    summary: "Create, list, inspect and remove volumes",
    load: () => import("./commands/volume.ts"),
  },
  {
    name: "namespace",
    summary: "List, create and remove namespaces",
    aliases: ["ns"],
    load: () => import("./commands/namespace.ts"),
  },
  {
    name: "info",
    summary: "Show what the daemon has",
    load: () => import("./commands/info.ts"),
  },
  {
    name: "version",
    summary: "Show the versions of slipway and its daemon",
    load: () => import("./commands/version.ts"),
  },
  {
    name: "completion",
    summary: "Print a script that lets a shell complete slipway's commands",
    load: () => import("./commands/completion.ts"),
  },
];
