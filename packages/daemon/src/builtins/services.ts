import type { TableReader } from "@slipway/core/config/table-reader";
import { definePlugin, type Needs, type Plugin, type Provided } from "@slipway/core/plugin";
import {
  DiffPlugin,
  DoctorPlugin,
  EventPlugin,
  IntegrityPlugin,
  MetadataPlugin,
  RuntimePlugin,
  StreamingPlugin,
  TransferPlugin,
  WarningPlugin,
} from "@slipway/core/plugin-kinds";
import type { StreamManager } from "@slipway/core/streaming";
import { Fault } from "@slipway/fault/fault";
import type { ServiceRegistration } from "@slipway/rpc/service";
import { containersService } from "@slipway/services/containers";
import { contentService } from "@slipway/services/content";
import { doctorService } from "@slipway/services/doctor";
import { diffService } from "@slipway/services/diff";
import { eventsService, journalService, shimEventsService } from "@slipway/services/events";
import { healthService } from "@slipway/services/health";
import { imagesService } from "@slipway/services/images";
import { integrityService } from "@slipway/services/integrity";
import { type DaemonFacts, introspectionService } from "@slipway/services/introspection";
import { leasesService } from "@slipway/services/leases";
import { namespacesService } from "@slipway/services/namespaces";
import { snapshotsService } from "@slipway/services/snapshots";
import { streamingService } from "@slipway/services/streaming";
import { tasksService } from "@slipway/services/tasks";
import { transferService } from "@slipway/services/transfer";
import { versionService } from "@slipway/services/version";
import { revision, version } from "../version.ts";
import { GrpcPlugin, ServicePlugin, TtrpcPlugin } from "./service-kinds.ts";

/** Every API that the daemon serves. */
export function servicePlugins(
  facts: Omit<DaemonFacts, "deprecations"> & { services(): ReadonlySet<string> },
): Plugin[] {
  const stores = { stores: MetadataPlugin };
  return [
    ...pair("introspection", { deprecations: WarningPlugin }, ({ deprecations }) =>
      introspectionService({ ...facts, deprecations: () => deprecations.list() }),
    ),
    ...pair("containers", stores, ({ stores }) => containersService(stores)),
    ...pair("content", stores, ({ stores }) => contentService(stores)),
    ...pair("images", stores, ({ stores }) => imagesService(stores)),
    ...pair("leases", stores, ({ stores }) => leasesService(stores)),
    ...pair("namespaces", stores, ({ stores }) => namespacesService(stores.namespaces)),
    ...pair("snapshots", stores, ({ stores }) => snapshotsService(stores)),
    ...pair(
      "diff",
      { differs: DiffPlugin },
      ({ differs }, order) => diffService(preferred(differs, order)),
      readDiffers,
    ),
    ...pair(
      "tasks",
      { ...stores, runtimes: RuntimePlugin },
      ({ stores, runtimes }) => tasksService(preferred(runtimes), stores),
      // Classes of resources, which containerd's own runtime knows.
      (table) => table.unsupported("rdt_config_file", "blockio_config_file"),
    ),
    single("events", { events: EventPlugin }, ({ events }) => eventsService(events)),
    single("journal", { events: EventPlugin }, ({ events }) => journalService(events)),
    single("streaming", { streams: StreamingPlugin }, ({ streams }) => streamingService(manager(streams))),
    single(
      "transfer",
      { transferrers: TransferPlugin, streams: StreamingPlugin },
      ({ transferrers, streams }) => transferService([...transferrers.values()], manager(streams)),
    ),
    single("doctor", { doctor: DoctorPlugin }, ({ doctor }) => doctorService(doctor)),
    single("integrity", { integrity: IntegrityPlugin }, ({ integrity }) => integrityService(integrity)),
    single("healthcheck", {}, (_, signal) => healthService(() => facts.services(), signal)),
    single("version", {}, () => versionService({ version, revision })),
    definePlugin({
      kind: TtrpcPlugin,
      id: "events",
      needs: { events: EventPlugin },
      parseConfig: () => undefined,
      start: async ({ events }) => ({ instance: [shimEventsService(events)] }),
    }),
  ];
}

/** An API in containerd's two parts. */
function pair<N extends Needs, C = void>(
  id: string,
  needs: N,
  make: (provided: Provided<N>, config: C) => ServiceRegistration,
  parseConfig: (table: TableReader) => C = () => undefined as C,
): Plugin[] {
  const service = definePlugin({
    kind: ServicePlugin,
    id: `${id}-service`,
    needs,
    parseConfig,
    start: async (provided: Provided<N>, config: C) => ({ instance: make(provided, config) }),
  });
  const served = definePlugin({
    kind: GrpcPlugin,
    id,
    needs: { services: ServicePlugin },
    parseConfig: () => undefined,
    async start({ services }) {
      const own = services.get(`${id}-service`);
      if (!own) throw new Fault("failed_precondition", `${ServicePlugin.type}.${id}-service does not run`);
      return { instance: [own] };
    },
  });
  return [service, served];
}

function single<N extends Needs>(
  id: string,
  needs: N,
  make: (provided: Provided<N>, stopping: AbortSignal) => ServiceRegistration,
): Plugin {
  return definePlugin({
    kind: GrpcPlugin,
    id,
    needs,
    parseConfig: () => undefined,
    start: async (provided: Provided<N>, _config: undefined, { signal }) => ({
      instance: [make(provided, signal)],
    }),
  });
}

function manager(streams: ReadonlyMap<string, StreamManager>): StreamManager {
  return preferred(streams);
}

/** Which differ to ask first. */
function readDiffers(table: TableReader): readonly string[] {
  // What is applied is synced as the snapshotter has it.
  table.ignore("sync_fs");
  return table.strings("default", ["walking"]);
}

/** The first of those that `names` names, else the first there is. */
function preferred<T>(instances: ReadonlyMap<string, T>, names: readonly string[] = []): T {
  const chosen = [...names, ...instances.keys()].find((name) => instances.has(name));
  const instance = chosen === undefined ? undefined : instances.get(chosen);
  if (instance === undefined) throw new Fault("failed_precondition", "no plugin that can do it runs");
  return instance;
}
