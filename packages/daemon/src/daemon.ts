import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { flushCompileCache } from "node:module";
import type { Logger } from "@slipway/core/plugin";
import { releaseMemoryWhenIdle } from "@slipway/linux/idle-memory";
import { builtins } from "./builtins/builtins.ts";
import { GrpcPlugin, TtrpcPlugin } from "./builtins/service-kinds.ts";
import { servicePlugins } from "./builtins/services.ts";
import type { DaemonConfig } from "./config/config.ts";
import { PluginHost } from "./host/plugin-host.ts";
import { listen } from "./listen.ts";
import { lockFolders } from "./folder-lock.ts";
import { prepareFolders } from "./own-folders.ts";
import { ServiceManager } from "./service-manager.ts";
import { handleSignals } from "./signals.ts";
import { startedUnlessStopped } from "./start-or-stop.ts";
import { type DumpSources, dumpState } from "./state-dump.ts";
import { rootUuid } from "./uuid.ts";
import { revision, version } from "./version.ts";

/**
 * Whoever starts the daemon has a umask for files of their own: with 0, everybody could write to what is made here, and with
 * 077 no user of a container could read its root file system. dockerd sets the same one.
 */
const UMASK = 0o022;

/**
 * Runs the daemon until SIGTERM or SIGINT, then lets running calls end, and gives everything back.
 * @throws {Fault} when it cannot start
 */
export async function runDaemon(config: DaemonConfig, log: Logger): Promise<void> {
  process.umask(UMASK);
  const stopping = new AbortController();
  let running: Daemon | undefined;
  handleSignals({
    stop(signal) {
      log.info("stop signal received", { signal });
      stopping.abort();
    },
    dump: () => dumpState(log, running?.facts() ?? { state: config.state, plugins: [], calls: [] }),
  });
  using manager = new ServiceManager(log);
  await using daemon = await startedUnlessStopped(startDaemon(config, log, stopping.signal), stopping.signal);
  if (!daemon) return;
  running = daemon;
  await manager.ready(`Serving on ${config.grpc.address}`);
  if (!stopping.signal.aborted) await once(stopping.signal, "abort");
  await manager.stopping();
}

const IDLE_MS = 2000;

/** A daemon that serves. Disposing of it stops its listeners, then its plugins, then frees its root. */
export interface Daemon extends AsyncDisposable {
  readonly host: PluginHost;
  facts(): DumpSources;
}

/** Starts everything that `config` wants. `stopping` aborts when the daemon is about to be disposed of. */
export async function startDaemon(
  configured: DaemonConfig,
  log: Logger,
  stopping: AbortSignal,
): Promise<Daemon> {
  const begun = performance.now();
  log.info("starting slipwayd", { version, revision });
  await using undo = new AsyncDisposableStack();
  const config = await prepareFolders(configured);
  await prepareProcess(config);
  undo.use(lockFolders(config));
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
  const listeners = undo.use(await listen(config, { grpc, ttrpc }, log));
  log.info(`slipwayd successfully booted in ${((performance.now() - begun) / 1000).toFixed(6)}s`);
  // A daemon that is killed leaves no compiled code, and the next one needs Node's TypeScript compiler: 17 MB.
  flushCompileCache();
  releaseMemoryWhenIdle(IDLE_MS);
  const owned = undo.move();
  return {
    host,
    facts: () => ({ state: config.state, plugins: host.reports(), calls: listeners.runningCalls() }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** What the configuration says of the process itself. */
async function prepareProcess({ temp, oomScore }: DaemonConfig): Promise<void> {
  if (temp !== "") {
    await mkdir(temp, { recursive: true, mode: 0o711 });
    process.env["TMPDIR"] = temp;
  }
  if (oomScore !== 0) await writeFile("/proc/self/oom_score_adj", String(oomScore));
}
