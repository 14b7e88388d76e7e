import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { ContainerCreateSchema } from "@slipway/api/containerd/events/events_pb";
import type { EventExchange } from "@slipway/core/events";
import { definePlugin, type Logger, type Plugin } from "@slipway/core/plugin";
import {
  type Differ,
  DiffPlugin,
  EventPlugin,
  MetadataPlugin,
  RuntimePlugin,
  WarningPlugin,
} from "@slipway/core/plugin-kinds";
import type { MetadataStores } from "@slipway/core/stores";
import { Fault, messageOf } from "@slipway/fault/fault";
import { hasOneHierarchy } from "@slipway/linux/cgroup/cgroup";
import { expectMoves } from "@slipway/linux/cgroup/moves";
import { hostPlatform } from "@slipway/oci/platform";
import { readPayload } from "@slipway/rpc/read-message";
import { parseSpec } from "./bundle-spec.ts";
import { parseRuntimeConfig } from "./config.ts";
import { Checkpoints } from "./checkpoints.ts";
import { DeadShims } from "./dead-shims.ts";
import { Launcher } from "./launcher.ts";
import { TaskLeaks } from "./leaks/leaks.ts";
import { TaskLoader } from "./load.ts";
import { OwnShims } from "./own-shims.ts";
import type { ShimEnvironment } from "./shim-binary.ts";
import { ShimLinks } from "./shim-links.ts";
import { shimGroup } from "./shim-group.ts";
import { runtimeInfo } from "./runtime-info.ts";
import { ShimTaskManager } from "./task-manager.ts";
import { TaskRegistry } from "./task-registry.ts";

/** What the runtime must know of its daemon. */
export interface RuntimeHost extends ShimEnvironment {
  /** `containerd-shim-slipway-v1`. */
  readonly shimBinary: string;
  /** In milliseconds, by containerd's name such as `io.containerd.timeout.shim.load`. */
  readonly timeouts: Readonly<Record<string, number>>;
}

/** Tasks in shims, ours and others': containerd's core/runtime/v2. */
export function shimRuntimePlugin(host: RuntimeHost): Plugin {
  return definePlugin({
    kind: RuntimePlugin,
    id: "task",
    platforms: [hostPlatform()],
    needs: { stores: MetadataPlugin, events: EventPlugin, differs: DiffPlugin, deprecations: WarningPlugin },
    parseConfig: parseRuntimeConfig,
    async start({ stores, events, differs, deprecations }, config, { rootDir, stateDir, log, signal }) {
      for (const path of [rootDir, stateDir]) mkdirSync(path, { recursive: true, mode: 0o711 });
      if (!hasOneHierarchy()) deprecations.emit("cgroup-v1");
      const timeout = (name: string, milliseconds: number): number =>
        host.timeouts[`io.containerd.timeout.${name}`] ?? milliseconds;
      const places = {
        socketDir: join(dirname(stateDir), "s"),
        runtimeRoot: join(dirname(stateDir), "runc"),
      };
      const own = new OwnShims({
        binary: host.shimBinary,
        ...places,
        eventsAddress: host.ttrpcAddress,
        containersPerShim: config.containersPerShim,
        log,
      });
      const links = new ShimLinks(host.grpcAddress);
      const deadShims = new DeadShims(events, links, timeout("shim.cleanup", 5000), log);
      const loadMs = timeout("shim.load", 5000);
      const registry = new TaskRegistry(deadShims);
      const shutdownMs = timeout("shim.shutdown", 3000);
      const launcher = new Launcher({ own, links, config, environment: host, shutdownMs });
      const folders = { rootDir, stateDir };
      await new TaskLoader({ folders, launcher, registry, deadShims, stores, loadMs, log }).load();
      await own.endStrays();
      void prewarm({ events, stores, launcher, own, log, signal });
      const parts = { registry, launcher, folders, stateMs: timeout("task.state", 2000) };
      const scoped = (namespace: string, lease?: string): ShimTaskManager => {
        const { containers, content, images } = stores.scoped(
          lease === undefined ? { namespace } : { namespace, lease },
        );
        const checkpoints = new Checkpoints(content, () => walking(differs).scoped(namespace, lease));
        return new ShimTaskManager(parts, namespace, {
          containers,
          checkpoints,
          sources: { images, content },
        });
      };
      return {
        instance: {
          scoped,
          leaks: new TaskLeaks({
            ...parts,
            ...places,
            grpcAddress: host.grpcAddress,
            own,
            stores,
            tasks: scoped,
          }),
        },
        exports: { "log-uri-schemes": "fifo,binary,binary-v2,file" },
        describe: (request, call) => runtimeInfo(request, (runtime) => launcher.programOf(runtime), call),
        async stop() {
          await own.stop();
          await registry.stop();
        },
      };
    },
  });
}

/** What makes archives of folders. */
function walking(differs: ReadonlyMap<string, Differ>): Differ {
  const differ = differs.get("walking");
  if (!differ) throw new Fault("failed_precondition", 'differ "walking" does not run');
  return differ;
}

/** A container is made shortly before its task: the time between is enough to start its shim. */
async function prewarm(parts: {
  readonly events: EventExchange;
  readonly stores: MetadataStores;
  readonly launcher: Launcher;
  readonly own: OwnShims;
  readonly log: Logger;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { events, stores, launcher, own, log, signal } = parts;
  try {
    for await (const { namespace, event } of events.subscribe(['topic=="/containers/create"'], { signal })) {
      const created = readPayload(ContainerCreateSchema, event);
      if (!created) continue;
      const { id, runtime } = created;
      // A pod's first container is its sandbox, which gets a shim of its own.
      const group = { namespace, name: "" };
      void expectMoves();
      if (!launcher.isOwn(runtime?.name ?? "") || !own.isCold(group)) continue;
      const container = await stores
        .scoped({ namespace })
        .containers.get(id)
        .catch(() => undefined);
      const spec = container?.spec && parseSpec(container.spec);
      if (container && shimGroup(namespace, container, spec).name === "") own.prewarm(group);
    }
  } catch (error) {
    if (!signal.aborted) log.warn("no shim is started ahead any more", { error: messageOf(error) });
  }
}
