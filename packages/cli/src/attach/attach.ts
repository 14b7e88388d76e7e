import type { Socket } from "node:net";
import type { Client } from "@slipway/client/client";
import type { ProcessStreams } from "@slipway/client/process-streams";
import type { Labels } from "@slipway/core/labels";
import type { ProcessRef } from "@slipway/core/tasks";
import { hasCode } from "@slipway/fault/fault";
import type { JsonLog } from "@slipway/logs/json-log";
import { hintText } from "../format/failure.ts";
import { isBrokenPipe, outputFailure } from "../format/outputs.ts";
import type { CaughtSignals } from "./caught-signals.ts";
import { rawTerminal } from "./raw-terminal.ts";
import { detachable, parseDetachKeys } from "./detach-keys.ts";
import { execFailureHint, OutputTail } from "./exec-failure.ts";

export interface AttachOptions {
  readonly detachKeys: string;
  /** False leaves the process's input alone. */
  readonly isTyping?: boolean;
  /** Go to the process instead of this one. */
  readonly signals?: CaughtSignals;
  /** Also written to, for `slipway logs`. */
  readonly log?: JsonLog;
  /** The container's labels, where they are known: it may be removed as soon as it has exited. */
  readonly labels?: Labels;
}

export type Attached = { readonly ended: true; readonly exitCode: number } | { readonly ended: false };

/**
 * Ties this process's streams and signals to a process until it ends or the user detaches. `begin` starts the process:
 * it runs when everything is tied, so that nothing is missed.
 */
export async function attach(
  client: Client,
  process_: ProcessRef,
  stdio: ProcessStreams,
  options: AttachOptions,
  begin: () => Promise<unknown>,
): Promise<Attached> {
  const { terminal } = stdio.io;
  const stdin = options.isTyping === false ? undefined : stdio.stdin;
  const { log } = options;
  using undo = new DisposableStack();
  const detached = Promise.withResolvers<Attached>();
  const tail = new OutputTail();
  const seen = (stream: "stdout" | "stderr") => (chunk: Uint8Array) => {
    log?.write(stream, chunk);
    if (terminal || stream === "stderr") tail.see(chunk);
  };
  const output = Promise.all([
    copyOutput(stdio.stdout, process.stdout, seen("stdout")),
    stdio.stderr && copyOutput(stdio.stderr, process.stderr, seen("stderr")),
  ]);
  // Should the process not start, its streams end without an end.
  output.catch(() => {});
  const leave = new AbortController();
  const exit = client.tasks.wait(process_, { signal: leave.signal });
  exit.catch(() => {});
  const isRaw = terminal && stdin !== undefined && process.stdin.isTTY;
  // Before there is anything to show.
  if (isRaw) undo.use(rawTerminal(process.stdin));
  // An exec has its terminal with its start: its size is in its spec.
  if (terminal) undo.use(await followSize(client, process_));
  await begin();
  options.signals?.passOn((signal) => client.tasks.kill(process_, signal).catch(ignoreGone));
  if (stdin) {
    const keys = terminal ? parseDetachKeys(options.detachKeys) : [];
    const input = forwardInput(isRaw, stdin, keys, {
      // The daemon lets go of the input as well: the shim holds it open for clients that come back.
      end: () => void client.tasks.closeStdin(process_).catch(ignoreGone),
      detach: () => detached.resolve({ ended: false }),
      hangUp: () => {
        const heard = options.signals?.hangUp() ?? Promise.resolve();
        void heard.then(() => detached.resolve({ ended: false }));
      },
    });
    undo.use(input);
  }
  const ended = exit.then(async ({ exitStatus }): Promise<Attached> => {
    const [failure] = (await output).filter((error) => error !== undefined);
    // What is said from here on is for a terminal that begins lines by itself.
    undo.dispose();
    const hint = await execFailureHint(client, process_.containerId, exitStatus, tail, options.labels);
    if (hint !== undefined) process.stderr.write(hintText(hint));
    if (failure) process.stderr.write(outputFailure(failure));
    return { ended: true, exitCode: failure ? exitStatus || 1 : exitStatus };
  });
  const result = await Promise.race([ended, detached.promise]);
  leave.abort();
  if (result.ended) return result;
  ended.catch(() => {});
  await options.signals?.arrived();
  return result;
}

/**
 * A reader that has left, such as `head`, stops the showing, not the process.
 * @returns why else not all could be shown
 */
async function copyOutput(
  from: AsyncIterable<Uint8Array>,
  to: NodeJS.WriteStream,
  seen: (chunk: Uint8Array) => void,
): Promise<Error | undefined> {
  let broken: Error | undefined;
  let wake = (): void => {};
  to.on("error", (error) => {
    broken ??= error;
    wake();
  });
  const resume = (): void => wake();
  to.on("drain", resume).on("close", resume);
  for await (const chunk of from) {
    seen(chunk);
    if (!broken && !to.write(chunk)) await new Promise<void>((resolve) => (wake = resolve));
  }
  to.off("drain", resume).off("close", resume);
  return broken && !isBrokenPipe(broken) ? broken : undefined;
}

/**
 * Passes on what is typed. A terminal that hangs up is left by whoever typed there, and so is the process; the end of
 * any other input is the end of the process's.
 */
function forwardInput(
  isRaw: boolean,
  to: Socket,
  keys: readonly number[],
  on: Readonly<Record<"end" | "detach" | "hangUp", () => void>>,
): Disposable {
  const { stdin } = process;
  const see = detachable(keys, () => {
    process.stderr.write("\r\nread escape sequence\r\n");
    on.detach();
  });
  const onData = (chunk: Buffer): void => {
    const rest = see(chunk);
    if (rest.length > 0 && !to.write(rest)) {
      stdin.pause();
      to.once("drain", () => stdin.resume());
    }
  };
  const onEnd = (): void => {
    if (isRaw) on.hangUp();
    else to.end(on.end);
  };
  stdin.on("data", onData);
  stdin.once("end", onEnd);
  // Stays: what fails when nobody reads any more is no news.
  stdin.on("error", onEnd);
  return {
    [Symbol.dispose]() {
      stdin.off("data", onData);
      stdin.off("end", onEnd);
      stdin.pause();
      stdin.unref?.();
    },
  };
}

/** The process's terminal has this one's size from its first look at it on. */
async function followSize(client: Client, process_: ProcessRef): Promise<Disposable> {
  const { stdout } = process;
  const send = async (): Promise<void> => {
    if (!stdout.isTTY) return;
    await client.tasks.resizePty(process_, { columns: stdout.columns, rows: stdout.rows }).catch(ignoreGone);
  };
  await send();
  const resized = (): void => void send();
  stdout.on("resize", resized);
  return { [Symbol.dispose]: () => void stdout.off("resize", resized) };
}

/** What is sent to a process that is ending may come too late. */
function ignoreGone(error: unknown): void {
  if (!hasCode(error, "not_found", "failed_precondition", "canceled", "unavailable")) throw error;
}
