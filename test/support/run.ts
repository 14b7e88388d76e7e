import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { patience } from "./patience.ts";

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Runs a program to its end. A signal that ended it is a code of -1. */
export async function run(
  program: string,
  args: readonly string[],
  { input, env, timeoutMs = 30_000 * patience }: RunOptions = {},
): Promise<Result> {
  const child = spawn(program, args, {
    stdio: "pipe",
    env: { ...process.env, ...env },
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  // A program may end without reading its input.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  return { code: code ?? -1, stdout, stderr };
}

/** Runs a program that must succeed. @returns what it printed */
export async function output(
  program: string,
  args: readonly string[],
  options?: RunOptions,
): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, options);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${code}: ${stderr}${stdout}`);
  return stdout;
}
