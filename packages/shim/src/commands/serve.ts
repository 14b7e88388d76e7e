import { rmSync } from "node:fs";
import { flushCompileCache } from "node:module";
import type { Server } from "node:net";
import { join } from "node:path";
import { Events } from "@slipway/api/containerd/services/events/ttrpc/v1/ttrpc_pb";
import { Task as TaskV2 } from "@slipway/api/containerd/task/v2/task_pb";
import { Task as TaskV3 } from "@slipway/api/containerd/task/v3/task_pb";
import { messageOf } from "@slipway/fault/fault";
import { releaseMemoryWhenIdle } from "@slipway/linux/idle-memory";
import { detailsOnRequest } from "@slipway/rpc/details-on-request";
import { Metadata } from "@slipway/rpc/metadata";
import { serve, type ServiceHandlers } from "@slipway/rpc/service";
import { TtrpcClient } from "@slipway/ttrpc/client";
import { TtrpcServer } from "@slipway/ttrpc/server";
import { DEFAULT_RUNTIME_ROOT } from "../bundle.ts";
import { EventPublisher } from "../events.ts";
import type { Flags } from "../flags.ts";
import { listenAt } from "../listen.ts";
import { Shim } from "../shim.ts";
import { socketPath } from "../socket-address.ts";
import { taskHandlers } from "../task/service.ts";

/**
 * Serves the task API until Shutdown: on a socket that `start` left open as descriptor 3, or, for a daemon that
 * knows us (`serve`), at `-socket`, where one process holds many containers.
 */
export async function serveShim(flags: Flags): Promise<void> {
  // Many containers depend on this process: a fault in serving one must not end it for all.
  process.on("uncaughtException", (error) => {
    process.stderr.write(`${error.stack ?? error.message}\n`);
  });
  const { namespace } = flags;
  const daemonPath = socketPath(flags.events || process.env["TTRPC_ADDRESS"] || "");
  const daemon = new TtrpcClient(daemonPath, { reconnect: true });
  const metadata = new Metadata([["containerd-namespace-ttrpc", namespace]]);
  const events = new EventPublisher(namespace, async (envelope) => {
    await daemon.unary(Events.method.forward, { envelope }, { metadata });
  });
  const shutdown = Promise.withResolvers<void>();
  const shim = new Shim({
    namespace,
    runtimeRoot: flags.runtimeRoot || DEFAULT_RUNTIME_ROOT,
    events,
    onShutdown: shutdown.resolve,
  });
  if (flags.adopt !== "") await adoptAll(shim, flags);
  const handlers = detailsOnRequest(taskHandlers(shim));
  // Version 2's messages have version 3's fields under another package name.
  const handlersV2 = handlers as unknown as ServiceHandlers<typeof TaskV2>;
  const server = new TtrpcServer([serve(TaskV3, handlers), serve(TaskV2, handlersV2)]);
  await listen(server.listener, flags);
  // A server is often killed, and would never leave its compiled code for the next one.
  flushCompileCache();
  releaseMemoryWhenIdle(IDLE_MS);
  await shutdown.promise;
  // The answer to Shutdown itself is on its way.
  await Promise.all([server.drain(DRAIN_MS), events.drain()]);
  if (flags.socket !== "") rmSync(socketPath(flags.socket), { force: true });
  process.exit(0);
}
const DRAIN_MS = 500;
const IDLE_MS = 1000;

/** Before anybody is answered: what they ask for is there. */
async function adoptAll(shim: Shim, { adopt, bundles }: Flags): Promise<void> {
  const { adoptTask } = await import("../adoption/adopt.ts");
  for (const id of adopt.split(",")) {
    try {
      await adoptTask(shim, id, join(bundles, id));
    } catch (error) {
      process.stderr.write(`Cannot take over container ${id}: ${messageOf(error)}\n`);
    }
  }
}

async function listen(server: Server, flags: Flags): Promise<void> {
  if (flags.action === "serve") {
    const path = socketPath(flags.socket);
    if (!(await listenAt(server, path))) throw new Error(`Cannot serve at "${path}": another shim does`);
    return;
  }
  const listening = Promise.withResolvers<void>();
  server.once("error", listening.reject);
  server.listen({ fd: 3 }, () => listening.resolve());
  await listening.promise;
}
