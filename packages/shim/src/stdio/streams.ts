import { fchownSync, fstatSync } from "node:fs";
import { MemoryFile } from "@slipway/linux/memfd";
import type { IoOwner } from "../bundle.ts";
import type { ProcessStdio } from "../runtime/oci-runtime.ts";
import type { Console } from "./console.ts";
import { openStdio, type StdioOwner, type StdioPaths, type TaskStdio } from "./stdio.ts";

/**
 * Opens a process's streams and runs `run` with them: descriptors to hand on, or the arguments that make a
 * runtime send the terminal to us.
 */
export async function openStreams(
  paths: StdioPaths,
  owner: StdioOwner,
  run: (stdio: ProcessStdio, args: readonly string[], said: () => string) => Promise<void>,
): Promise<{ readonly console: Console } | { readonly stdio: TaskStdio }> {
  if (paths.terminal) {
    const { Console, ConsoleSocket } = await import("./console.ts");
    using undo = new DisposableStack();
    using socket = new ConsoleSocket();
    const { openTerminalOutput } = await import("./terminal-output.ts");
    const output = await openTerminalOutput(paths.stdout, owner);
    if (output) undo.defer(() => output.destroy());
    // The process has the terminal: the runtime's own errors are its own.
    using errors = new MemoryFile("errors");
    await run({ stderr: errors.fd }, ["--console-socket", socket.path], () => errors.text());
    const console = new Console(socket.receive(), paths, output);
    undo.move();
    return { console };
  }
  const stdio = await openStdio(paths, owner);
  try {
    if (owner.ioOwner) giveTo(owner.ioOwner, stdio.given);
    await run(stdio.given, [], () => stdio.said());
  } catch (error) {
    stdio.close();
    throw error;
  }
  stdio.afterStart();
  return { stdio };
}

/** So that a process that is not root can open its own /dev/stdout again: of files, only pipes are given away. */
function giveTo({ uid, gid }: IoOwner, { stdin, stdout, stderr }: ProcessStdio): void {
  for (const fd of [stdin, stdout, stderr]) {
    if (fd !== undefined && fstatSync(fd).isFIFO()) fchownSync(fd, uid, gid);
  }
}
