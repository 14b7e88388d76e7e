import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";

export interface ProgramOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly input: string;
  readonly signal: AbortSignal | undefined;
}

export interface ProgramEnd {
  readonly stdout: string;
  /** Why it failed, with the end of what it wrote to stderr; undefined if it exited with 0. */
  readonly failure: string | undefined;
}

/** A plugin's answer has some hundred bytes; what is longer comes from no plugin. */
const maxOutputBytes = 1024 * 1024;
const maxErrorBytes = 4096;
const busyTries = 5;

/** Runs a program to its end. @throws the signal's reason when it is aborted; the program is gone by then */
export async function runProgram(path: string, options: ProgramOptions): Promise<ProgramEnd> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runOnce(path, options);
    } catch (error) {
      // Somebody is still writing the program: an upgrade of the plugins.
      const isBusy = (error as NodeJS.ErrnoException).code === "ETXTBSY" && attempt < busyTries;
      if (!isBusy) throw error;
      await setTimeout(1000, undefined, options.signal ? { signal: options.signal } : {});
    }
  }
}

async function runOnce(path: string, { env, input, signal }: ProgramOptions): Promise<ProgramEnd> {
  signal?.throwIfAborted();
  // A group of its own: plugins call others, for addresses, and those would hold the pipes.
  const child = spawn(path, [], { env, stdio: "pipe", detached: true });
  const kill = (): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
  };
  signal?.addEventListener("abort", kill, { once: true });
  try {
    // A plugin need not read all of its input, nor any.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const [stdout, stderr] = [collect(child.stdout, kill), collect(child.stderr, kill)];
    const [code, killedBy] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    signal?.throwIfAborted();
    const output = stdout();
    if (code === 0) return { stdout: output, failure: undefined };
    const how = code === null ? `it was killed by ${killedBy}` : `it exited with ${code}`;
    const said = stderr().slice(-maxErrorBytes).trim();
    return { stdout: output, failure: said === "" ? how : `${how}: ${said}` };
  } finally {
    signal?.removeEventListener("abort", kill);
  }
}

/** Gathers a stream, and gives up a program that never stops writing. */
function collect(stream: NodeJS.ReadableStream, giveUp: () => void): () => string {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  stream.on("data", (chunk: Buffer) => {
    sizeBytes += chunk.length;
    if (sizeBytes > maxOutputBytes) giveUp();
    else chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString();
}
