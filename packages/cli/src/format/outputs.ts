import { messageOf } from "@slipway/fault/fault";

/** What a shell says of a program that SIGPIPE ended. */
const BROKEN_PIPE = 128 + 13;

/**
 * A reader that has left, such as `head`, ends this process without a word; an output that cannot be written, on a full disk
 * say, with one. Whoever has something to finish first listens for errors, too.
 */
export function watchOutputs(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error) => {
      if (stream.listenerCount("error") > 1) return;
      if (isBrokenPipe(error)) process.exit(BROKEN_PIPE);
      if (stream === process.stdout) process.stderr.write(outputFailure(error));
      process.exit(1);
    });
  }
}

export function isBrokenPipe(error: Error): boolean {
  return "code" in error && error.code === "EPIPE";
}

export function outputFailure(error: Error): string {
  return `slipway: Cannot write output: ${messageOf(error)}\n`;
}
