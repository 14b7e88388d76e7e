import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { flushCompileCache } from "node:module";
import type { Logger } from "@slipway/core/plugin";
import { messageOf } from "@slipway/fault/fault";
import { releaseMemoryWhenIdle } from "@slipway/linux/idle-memory";
import { builtins } from "./builtins/builtins.ts";
import { GrpcPlugin, TtrpcPlugin } from "./builtins/service-kinds.ts";
import { servicePlugins } from "./builtins/services.ts";
import type { DaemonConfig } from "./config/config.ts";
import { PluginHost } from "./host/plugin-host.ts";
import { listen } from "./listen.ts";
import { lockRoot } from "./root-lock.ts";
import { dumpState } from "./state-dump.ts";
import { rootUuid } from "./uuid.ts";
import { revision, version } from "./version.ts";

/**
 * Runs the daemon until SIGTERM or SIGINT, then lets running calls end, and gives everything back.
 * @throws {Fault} when it cannot start
 */
export async function runDaemon(config: DaemonConfig, log: Logger): Promise<void> {
  const stopping = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    log.info("stop signal received", { signal });
    stopping.abort();
  };
  process.on("SIGTERM", stop).on("SIGINT", stop).on("SIGHUP", ignore).on("SIGPIPE", ignore);
  await using daemon = await startDaemon(config, log, stopping.signal);
  process.on("SIGUSR1", () => dumpState(log, daemon.host.reports()));
  if (!stopping.signal.aborted) await once(stopping.signal, "abort");
  await tellServiceManager("STOPPING=1", log);
}

const IDLE_MS = 2000;

/** A daemon that serves. Disposing of it stops its listeners, then its plugins, then frees its root. */
export interface Daemon extends AsyncDisposable {
  readonly host: PluginHost;
}

/** Starts everything that `config` wants. `stopping` aborts when the daemon is about to be disposed of. */
export async function startDaemon(config: DaemonConfig, log: Logger, stopping: AbortSignal): Promise<Daemon> {
  const begun = performance.now();
  log.info("starting slipwayd", { version, revision });
  await using undo = new AsyncDisposableStack();
  await prepareProcess(config);
  undo.use(lockRoot(config.root));
  const host = undo.use(new PluginHost(config, log, stopping));
  const services = new Set<string>();
  const facts = {
    plugins: () => host.reports(),
    uuid: () => rootUuid(config.root),
    services: () => services,
  };
  await host.start([...(await builtins(config)), ...servicePlugins(facts)]);
  const grpc = [...host.instances(GrpcPlugin).values()].flat();
  for (const { service } of grpc) services.add(service.typeName);
  const ttrpc = [...host.instances(TtrpcPlugin).values()].flat();
  undo.use(await listen(config, { grpc, ttrpc }, log));
  await tellServiceManager("READY=1", log);
  log.info(`slipwayd successfully booted in ${((performance.now() - begun) / 1000).toFixed(6)}s`);
  // A daemon that is killed leaves no compiled code, and the next one needs Node's TypeScript compiler: 17 MB.
  flushCompileCache();
  releaseMemoryWhenIdle(IDLE_MS);
  const owned = undo.move();
  return { host, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** The folders, with containerd's modes, and what the configuration says of the process itself. */
async function prepareProcess({ root, state, temp, oomScore }: DaemonConfig): Promise<void> {
  await mkdir(root, { recursive: true, mode: 0o700 });
  // Shims of users' containers pass through the state.
  await mkdir(state, { recursive: true, mode: 0o711 });
  if (temp !== "") {
    await mkdir(temp, { recursive: true, mode: 0o711 });
    process.env["TMPDIR"] = temp;
  }
  if (oomScore !== 0) await writeFile("/proc/self/oom_score_adj", String(oomScore));
}

async function tellServiceManager(state: string, log: Logger): Promise<void> {
  if (!process.env["NOTIFY_SOCKET"]) return;
  try {
    const { notifyServiceManager } = await import("@slipway/linux/sd-notify");
    notifyServiceManager(state);
  } catch (error) {
    log.warn("failed to notify the service manager", { state, error: messageOf(error) });
  }
}

function ignore(): void {}
