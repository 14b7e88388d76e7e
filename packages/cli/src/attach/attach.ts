import { constants } from "node:os";
import type { Socket } from "node:net";
import type { Client } from "@slipway/client/client";
import type { ProcessStreams } from "@slipway/client/process-streams";
import type { ProcessRef } from "@slipway/core/tasks";
import { hasCode } from "@slipway/fault/fault";
import type { JsonLog } from "@slipway/logs/json-log";
import { hintText } from "../format/failure.ts";
import { detachable, parseDetachKeys } from "./detach-keys.ts";
import { execFailureHint, OutputTail } from "./exec-failure.ts";

export interface AttachOptions {
  readonly detachKeys: string;
  readonly sigProxy: boolean;
  /** Also written to, for `slipway logs`. */
  readonly log?: JsonLog;
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
  await begin();
  if (terminal) undo.use(followSize(client, process_));
  else if (options.sigProxy) undo.use(forwardSignals(client, process_));
  if (stdio.stdin) {
    const keys = terminal ? parseDetachKeys(options.detachKeys) : [];
    undo.use(forwardInput(client, process_, stdio.stdin, keys, () => detached.resolve({ ended: false })));
  }
  const ended = exit.then(async ({ exitStatus }): Promise<Attached> => {
    await output;
    const hint = await execFailureHint(client, process_.containerId, exitStatus, tail);
    if (hint !== undefined) process.stderr.write(hintText(hint));
    return { ended: true, exitCode: exitStatus };
  });
  const result = await Promise.race([ended, detached.promise]);
  leave.abort();
  if (!result.ended) ended.catch(() => {});
  return result;
}

/** A reader that has left, such as `head`, stops the showing, not the process. */
async function copyOutput(
  from: AsyncIterable<Uint8Array>,
  to: NodeJS.WriteStream,
  seen: (chunk: Uint8Array) => void,
): Promise<void> {
  let broken = false;
  const stop = (): void => {
    broken = true;
  };
  to.on("error", stop);
  for await (const chunk of from) {
    seen(chunk);
    if (broken || to.write(chunk)) continue;
    await new Promise<void>((resolve) => {
      to.once("drain", resolve);
      to.once("error", resolve);
      to.once("close", resolve);
    });
  }
}

function forwardInput(
  client: Client,
  process_: ProcessRef,
  to: Socket,
  keys: readonly number[],
  detach: () => void,
): Disposable {
  const { stdin } = process;
  if (keys.length > 0 && stdin.isTTY) stdin.setRawMode(true);
  const see = detachable(keys, detach);
  const onData = (chunk: Buffer): void => {
    const rest = see(chunk);
    if (rest.length > 0 && !to.write(rest)) {
      stdin.pause();
      to.once("drain", () => stdin.resume());
    }
  };
  const onEnd = (): void => {
    // The daemon lets go of the input first: the shim holds it open for clients that come back.
    to.end(() => void client.tasks.closeStdin(process_).catch(ignoreGone));
  };
  stdin.on("data", onData);
  stdin.once("end", onEnd);
  return {
    [Symbol.dispose]() {
      stdin.off("data", onData);
      stdin.off("end", onEnd);
      if (stdin.isTTY) stdin.setRawMode(false);
      stdin.pause();
      stdin.unref?.();
    },
  };
}

function followSize(client: Client, process_: ProcessRef): Disposable {
  const { stdout } = process;
  const send = (): void => {
    if (!stdout.isTTY) return;
    void client.tasks.resizePty(process_, { columns: stdout.columns, rows: stdout.rows }).catch(ignoreGone);
  };
  send();
  stdout.on("resize", send);
  return { [Symbol.dispose]: () => void stdout.off("resize", send) };
}

const forwarded = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGCONT"] as const;

function forwardSignals(client: Client, process_: ProcessRef): Disposable {
  const handlers = forwarded.map((name) => {
    const handler = (): void => void client.tasks.kill(process_, constants.signals[name]).catch(ignoreGone);
    process.on(name, handler);
    return [name, handler] as const;
  });
  return {
    [Symbol.dispose]() {
      for (const [name, handler] of handlers) process.off(name, handler);
    },
  };
}

/** What is sent to a process that is ending may come too late. */
function ignoreGone(error: unknown): void {
  if (!hasCode(error, "not_found", "failed_precondition", "canceled", "unavailable")) throw error;
}
