import type { Doctor, LeakFinder } from "./doctor/doctor.ts";
import type { ContentStore } from "./content/content.ts";
import type { Applier, Comparer } from "./diff/diff.ts";
import type { Deprecations } from "./deprecations/deprecations.ts";
import type { EventExchange } from "./events/events.ts";
import type { ImageVerifier } from "./image-verifiers/image-verifiers.ts";
import type { IntegrityChecker } from "./integrity/integrity.ts";
import { manyPlugins, onePlugin } from "./plugin.ts";
import type { Metrics } from "./metrics/metrics.ts";
import type { Snapshotter } from "./snapshots/snapshots.ts";
import type { Store } from "./store/store.ts";
import type { StreamManager } from "./streaming/streaming.ts";
import type { MetadataStores } from "./stores.ts";
import type { TaskManager } from "./tasks/tasks.ts";
import type { Transferrer } from "./transfer/transfer.ts";

/** Gives a namespace's tasks. What they store is held by the lease. */
export interface TaskManagers {
  scoped(namespace: string, lease?: string): TaskManager;
  /** What tasks of all namespaces left behind, where the runtime can tell. */
  readonly leaks?: LeakFinder;
}

/** An applier and a comparer on the content of a namespace. */
export interface Differ {
  scoped(namespace: string, lease?: string): Applier & Comparer;
}

/* The kinds of plugin that the daemon is made of. The type names are containerd's: introspection shows them. */
export const ContentPlugin = manyPlugins<ContentStore>("io.containerd.content.v1");
export const SnapshotterPlugin = manyPlugins<Snapshotter>("io.containerd.snapshotter.v1");
export const DiffPlugin = manyPlugins<Differ>("io.containerd.differ.v1");
export const MetadataPlugin = onePlugin<MetadataStores>("io.containerd.metadata.v1");
export const StorePlugin = onePlugin<Store>("io.slipway.store.v1");
export const MetricsPlugin = onePlugin<Metrics>("io.slipway.metrics.v1");
export const EventPlugin = onePlugin<EventExchange>("io.containerd.event.v1");
/** Collects what introspection lists as deprecated. */
export const WarningPlugin = onePlugin<Deprecations>("io.containerd.warning.v1");
/** Runs the metadata's collector. */
export const GcPlugin = onePlugin<AsyncDisposable>("io.containerd.gc.v1");
export const RuntimePlugin = manyPlugins<TaskManagers>("io.containerd.runtime.v2");
/** Watches containers for as long as the daemon runs. */
export const ContainerMonitorPlugin = manyPlugins<AsyncDisposable>("io.containerd.monitor.container.v1");
export const StreamingPlugin = manyPlugins<StreamManager>("io.containerd.streaming.v1");
export const TransferPlugin = manyPlugins<Transferrer>("io.containerd.transfer.v1");
export const IntegrityPlugin = onePlugin<IntegrityChecker>("io.slipway.integrity.v1");
export const ImageVerifierPlugin = manyPlugins<ImageVerifier>("io.containerd.image-verifier.v1");
/** Finds what was left behind by crashes. */
export const DoctorPlugin = onePlugin<Doctor>("io.slipway.doctor.v1");
