import type { ProcessStdio } from "../runtime/oci-runtime.ts";
import type { Console } from "./console.ts";
import type { LogSink } from "./log-sink.ts";
import { openStdio, type StdioOwner, type StdioPaths, type TaskStdio } from "./stdio.ts";

/**
 * Opens a process's streams and runs `run` with them: descriptors to hand on, or the arguments that make a
 * runtime send the terminal to us.
 */
export async function openStreams(
  paths: StdioPaths,
  owner: StdioOwner,
  run: (stdio: ProcessStdio, args: readonly string[]) => Promise<void>,
): Promise<{ readonly console: Console } | { readonly stdio: TaskStdio }> {
  if (paths.terminal) {
    const { Console, ConsoleSocket } = await import("./console.ts");
    using undo = new DisposableStack();
    using socket = new ConsoleSocket();
    const sink = paths.stdout.startsWith("json-file:") ? await openSink(paths.stdout) : undefined;
    if (sink) undo.defer(() => sink.end());
    await run({}, ["--console-socket", socket.path]);
    const console = new Console(socket.receive(), paths, sink);
    undo.move();
    return { console };
  }
  const stdio = await openStdio(paths, owner);
  try {
    await run(stdio.given, []);
  } catch (error) {
    stdio.close();
    throw error;
  }
  stdio.afterStart();
  return { stdio };
}

async function openSink(uri: string): Promise<LogSink> {
  const { LogSink } = await import("./log-sink.ts");
  return await LogSink.open(uri);
}
