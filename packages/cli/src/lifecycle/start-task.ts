import { dirname } from "node:path";
import type { Client } from "@slipway/client/client";
import { loggedIo } from "@slipway/client/container-task";
import { attachStreams, type ProcessStreams } from "@slipway/client/process-streams";
import { Stdio } from "@slipway/client/stdio";
import type { Any } from "@slipway/core/any";
import type { Labels } from "@slipway/core/labels";
import type { Mount } from "@slipway/core/mounts/mount";
import type { JsonLog } from "@slipway/logs/json-log";
import type { LogTarget } from "@slipway/logs/log-uri";
import { makeDirectories } from "@slipway/linux/make-directories";
import { attach, type Attached } from "../attach/attach.ts";
import type { CaughtSignals } from "../attach/caught-signals.ts";
import { markStarted } from "./restart-labels.ts";
import { logTargetOf } from "../logs/log-target.ts";

export interface TaskSource {
  readonly id: string;
  readonly labels: Labels;
  readonly terminal: boolean;
  readonly rootfs: readonly Mount[];
  /** The runtime's, when they are others than the container's. */
  readonly options?: Any;
}

export interface ForegroundOptions {
  readonly interactive: boolean;
  readonly detachKeys: string;
  /** Go to the container from its start on. */
  readonly signals?: CaughtSignals;
}

/** Starts a container's task with its output going to the log. */
export async function startDetached(client: Client, source: TaskSource): Promise<void> {
  const { id, rootfs } = source;
  await client.tasks.create(id, { rootfs, io: loggedIo(source), ...optionsOf(source) });
  await client.tasks.start({ containerId: id });
  await markStarted(client, id, source.labels);
}

/** Starts a container's task and stays with it until it ends or the user detaches. */
export async function startAttached(
  client: Client,
  source: TaskSource,
  options: ForegroundOptions,
): Promise<Attached> {
  const { id, labels, terminal, rootfs } = source;
  const isBrief = labels["nerdctl/auto-remove"] === "true";
  // Somebody may look at what runs on a terminal from another one. What is written to a file or a program is there already,
  // may be much, and a log of it would go away with its end.
  const isWatched = terminal || process.stdout.isTTY;
  const log = isBrief && !isWatched ? undefined : logTargetOf(source);
  using stack = new DisposableStack();
  let streams: ProcessStreams;
  if (log?.attach === undefined) {
    streams = stack.use(Stdio.open({ terminal, stdin: options.interactive }));
    await client.tasks.create(id, { rootfs, io: streams.io, ...optionsOf(source) });
  } else {
    const io = loggedIo(source, options.interactive);
    await client.tasks.create(id, { rootfs, io, ...optionsOf(source) });
    streams = stack.use(await attachStreams(io));
  }
  // Other shims write no log while somebody is attached.
  const own = log && log.attach === undefined && !isBrief ? stack.use(await openLog(log)) : undefined;
  const result = await attach(
    client,
    { containerId: id },
    streams,
    { ...options, labels, ...(own ? { log: own } : {}) },
    async () => {
      await client.tasks.start({ containerId: id });
      await markStarted(client, id, labels);
    },
  );
  if (!result.ended) streams.leave();
  return result;
}

function optionsOf({ options }: TaskSource): { options?: Any } {
  return options ? { options } : {};
}

async function openLog(log: LogTarget): Promise<JsonLog> {
  const { JsonLog } = await import("@slipway/logs/json-log");
  makeDirectories(dirname(log.file), 0o700);
  return new JsonLog(log.file, log);
}
