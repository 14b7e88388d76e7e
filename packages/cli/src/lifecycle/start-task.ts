import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Client } from "@slipway/client/client";
import { Stdio } from "@slipway/client/stdio";
import type { Labels } from "@slipway/core/labels";
import type { Mount } from "@slipway/core/mounts/mount";
import { attach, type Attached } from "../attach/attach.ts";
import { JsonLog } from "../logs/json-log.ts";

export interface TaskSource {
  readonly id: string;
  readonly labels: Labels;
  readonly terminal: boolean;
  readonly rootfs: readonly Mount[];
}

export interface ForegroundOptions {
  readonly interactive: boolean;
  readonly detachKeys: string;
  readonly sigProxy: boolean;
}

/** Starts a container's task with its output going to the log. */
export async function startDetached(
  client: Client,
  { id, labels, terminal, rootfs }: TaskSource,
): Promise<void> {
  const uri = labels["nerdctl/log-uri"] ?? "";
  const folder = labels["nerdctl/state-dir"];
  if (uri !== "" && folder !== undefined) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const io = { stdin: "", stdout: uri, stderr: terminal ? "" : uri, terminal };
  await client.tasks.create(id, { rootfs, io });
  await client.tasks.start({ containerId: id });
}

/** Starts a container's task and stays with it until it ends or the user detaches. */
export async function startAttached(
  client: Client,
  { id, labels, terminal, rootfs }: TaskSource,
  options: ForegroundOptions,
): Promise<Attached> {
  const stdio = Stdio.open({ terminal, stdin: options.interactive });
  const folder = labels["nerdctl/state-dir"];
  const keepsLog = labels["nerdctl/log-uri"] !== undefined && labels["nerdctl/auto-remove"] !== "true";
  using stack = new DisposableStack();
  stack.use(stdio);
  await client.tasks.create(id, { rootfs, io: stdio.io });
  if (keepsLog && folder !== undefined) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const log =
    keepsLog && folder !== undefined ? stack.use(new JsonLog(join(folder, `${id}-json.log`))) : undefined;
  const begin = (): Promise<unknown> => client.tasks.start({ containerId: id });
  const result = await attach(
    client,
    { containerId: id },
    stdio,
    { ...options, ...(log ? { log } : {}) },
    begin,
  );
  // Who detaches may come back: the FIFOs stay.
  if (!result.ended) stdio.leave();
  return result;
}
