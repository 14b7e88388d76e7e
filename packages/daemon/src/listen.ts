import type { Logger } from "@slipway/core/plugin";
import { GrpcServer, type RunningCall } from "@slipway/grpc/server";
import type { ServiceRegistration } from "@slipway/rpc/service";
import { TtrpcServer } from "@slipway/ttrpc/server";
import type { DaemonConfig } from "./config/config.ts";
import { ownSocket, prepareSocket } from "./socket-file.ts";

/** How long running calls may go on when the daemon stops: the service manager waits longer. */
const drainMs = 2000;

/** Serves until it is disposed of. */
export interface Listeners extends AsyncDisposable {
  runningCalls(): readonly RunningCall[];
}

/** Serves the APIs on their sockets. Disposing of it lets running calls end, for a while. */
export async function listen(
  config: DaemonConfig,
  services: { readonly grpc: readonly ServiceRegistration[]; readonly ttrpc: readonly ServiceRegistration[] },
  log: Logger,
): Promise<Listeners> {
  const { grpc, ttrpc } = config;
  await using undo = new AsyncDisposableStack();
  const server = new GrpcServer(services.grpc, grpc);
  undo.defer(() => server.drain(drainMs));
  await prepareSocket(grpc.address);
  await privately(() => server.listen(grpc.address));
  await ownSocket(grpc);
  log.info("serving...", { address: grpc.address });
  const shims = new TtrpcServer(services.ttrpc);
  undo.defer(() => shims.drain(drainMs));
  await prepareSocket(ttrpc.address);
  await privately(() => shims.listen(ttrpc.address));
  await ownSocket(ttrpc);
  log.info("serving...", { address: ttrpc.address });
  const owned = undo.move();
  return {
    runningCalls: () => server.runningCalls(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Nobody else may connect between the socket's making and its change of owner. */
async function privately(listenOn: () => Promise<void>): Promise<void> {
  const before = process.umask(0o177);
  try {
    // Node binds at once and only tells later.
    const listening = listenOn();
    process.umask(before);
    await listening;
  } finally {
    process.umask(before);
  }
}
