import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { Fault } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";

export interface RunVerifierOptions {
  readonly timeoutMs: number;
  readonly onError: (line: string) => void;
  readonly signal?: AbortSignal;
}

const maxOutputBytes = 32 * 1024;

/** Runs one program: the descriptor on stdin, the reason on stdout, the judgement is the exit code. */
export async function runVerifier(
  program: string,
  name: string,
  target: Descriptor,
  { timeoutMs, onError, signal }: RunVerifierOptions,
): Promise<{ readonly exitCode: number; readonly reason: string }> {
  const args = ["-name", name, "-digest", target.digest];
  // A group of its own: what the program started ends with it.
  const child = spawn(program, [...args, "-stdin-media-type", "application/vnd.oci.descriptor.v1+json"], {
    stdio: "pipe",
    detached: true,
  });
  const end = (): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  };
  const limit = AbortSignal.timeout(timeoutMs);
  const stop = signal ? AbortSignal.any([signal, limit]) : limit;
  stop.addEventListener("abort", end, { once: true });
  try {
    child.stdin.on("error", () => {});
    child.stdin.end(`${JSON.stringify(target)}\n`);
    const [stdout, stderr, [code]] = await Promise.all([
      head(child.stdout),
      head(child.stderr),
      once(child, "close") as Promise<[number | null]>,
    ]);
    for (const line of stderr.text.split("\n")) if (line !== "") onError(line);
    if (stop.aborted || code === null) {
      throw new Fault("deadline_exceeded", `it did not end within ${timeoutMs} ms`);
    }
    return { exitCode: code, reason: `${stdout.text.trim()}${stdout.isCut ? "(stdout truncated)" : ""}` };
  } finally {
    stop.removeEventListener("abort", end);
    end();
  }
}

/** The beginning of what a program prints. The rest is read and forgotten: it must not find its pipe closed. */
async function head(stream: Readable): Promise<{ text: string; isCut: boolean }> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    if (size < maxOutputBytes) chunks.push(chunk.subarray(0, maxOutputBytes - size));
    size += chunk.length;
  }
  return { text: Buffer.concat(chunks).toString(), isCut: size > maxOutputBytes };
}
