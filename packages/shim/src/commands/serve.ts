import { rmSync } from "node:fs";
import { flushCompileCache } from "node:module";
import { createServer, type Server, type Socket } from "node:net";
import { Events } from "@slipway/api/containerd/services/events/ttrpc/v1/ttrpc_pb";
import { Task as TaskV2 } from "@slipway/api/containerd/task/v2/task_pb";
import { Task as TaskV3 } from "@slipway/api/containerd/task/v3/task_pb";
import { serve, type ServiceHandlers } from "@slipway/rpc/service";
import { DEFAULT_RUNTIME_ROOT } from "../bundle.ts";
import { EventPublisher } from "../events.ts";
import type { Flags } from "../flags.ts";
import { listenAt } from "../listen.ts";
import { Shim } from "../shim.ts";
import { socketPath } from "../socket-address.ts";
import { taskHandlers } from "../task/service.ts";
import { UnaryClient } from "../wire/client.ts";
import { serveConnection } from "../wire/connection.ts";

/**
 * Serves the task API until Shutdown: on a socket that `start` left open as descriptor 3, or, for a daemon that
 * knows us (`serve`), at `-socket`, where one process holds many containers.
 */
export async function serveShim(flags: Flags): Promise<void> {
  // Many containers depend on this process: a fault in serving one must not end it for all.
  process.on("uncaughtException", (error) => {
    process.stderr.write(`${error.stack ?? error.message}\n`);
  });
  const daemon = new UnaryClient(socketPath(flags.events || process.env["TTRPC_ADDRESS"] || ""));
  const namespace = flags.namespace;
  const events = new EventPublisher(namespace, async (envelope) => {
    await daemon.call(Events.method.forward, { envelope }, [["containerd-namespace-ttrpc", namespace]]);
  });
  const shutdown = Promise.withResolvers<void>();
  const shim = new Shim({
    namespace,
    runtimeRoot: flags.runtimeRoot || DEFAULT_RUNTIME_ROOT,
    events,
    onShutdown: shutdown.resolve,
  });
  const handlers = taskHandlers(shim);
  // Version 2's messages have version 3's fields under another package name.
  const handlersV2 = handlers as unknown as ServiceHandlers<typeof TaskV2>;
  const services = [serve(TaskV3, handlers), serve(TaskV2, handlersV2)];
  const connections = new Set<Socket>();
  const server = createServer((socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
    serveConnection(socket, services);
  });
  await listen(server, flags);
  // A server is often killed, and would never leave its compiled code for the next one.
  flushCompileCache();
  await shutdown.promise;
  server.close();
  await events.drain();
  // The answer to Shutdown itself is on its way.
  await Promise.all([...connections].map(flushed));
  if (flags.socket !== "") rmSync(socketPath(flags.socket), { force: true });
  process.exit(0);
}

function flushed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => socket.end(resolve));
  });
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
