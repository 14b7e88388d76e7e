import type { ContentStore } from "@slipway/core/content";
import type { EventPublisher } from "@slipway/core/events";
import type { GarbageCollector } from "@slipway/core/gc";
import { definePlugin, type Logger } from "@slipway/core/plugin";
import {
  ContentPlugin,
  EventPlugin,
  MetadataPlugin,
  SnapshotterPlugin,
  StorePlugin,
} from "@slipway/core/plugin-kinds";
import type { Snapshotter } from "@slipway/core/snapshots";
import type { Store } from "@slipway/core/store";
import type { MetadataStores, Scope, ScopedStores } from "@slipway/core/stores";
import { Collector } from "./collector.ts";
import { NamespacedContainers } from "./containers.ts";
import { NamespacedContent } from "./content.ts";
import { Database } from "./database.ts";
import { failedPrecondition, invalidArgument } from "./faults.ts";
import { NamespacedImages } from "./images.ts";
import { NamespacedLeases } from "./leases.ts";
import { Namespaces } from "./namespaces.ts";
import { NamespacedSnapshotter } from "./snapshots.ts";

/** `shared`: a blob that is there is any namespace's who knows its digest. `isolated`: who wants it has to bring it. */
export type SharingPolicy = "shared" | "isolated";

/** All that has a name, over a content store and snapshotters that know no namespaces. containerd's core/metadata/db.go. */
export class Metadata implements MetadataStores {
  readonly namespaces: Namespaces;
  readonly garbage: GarbageCollector;
  readonly #database: Database;
  readonly #policy: SharingPolicy;

  constructor(
    below: {
      readonly store: Store;
      readonly events: EventPublisher;
      readonly content: ContentStore;
      readonly snapshotters: ReadonlyMap<string, Snapshotter>;
    },
    policy: SharingPolicy,
    log: Logger,
  ) {
    this.#database = new Database(below.store, below.events, below.content, below.snapshotters);
    this.#policy = policy;
    this.namespaces = new Namespaces(this.#database);
    this.garbage = new Collector(this.#database, log);
  }

  scoped(scope: Scope): ScopedStores {
    const { namespace } = scope;
    return {
      images: new NamespacedImages(this.#database, scope, this.garbage),
      containers: new NamespacedContainers(this.#database, namespace),
      content: new NamespacedContent(this.#database, scope, this.#policy === "shared"),
      leases: new NamespacedLeases(this.#database, namespace, this.garbage),
      snapshotter: (name) => {
        const backend = this.#database.snapshotters.get(name);
        if (!backend) throw invalidArgument(`snapshotter not loaded: ${name}`);
        return new NamespacedSnapshotter(this.#database, scope, name, backend);
      },
    };
  }
}

export const metadataPlugin = definePlugin({
  kind: MetadataPlugin,
  id: "bolt",
  needs: {
    store: StorePlugin,
    events: EventPlugin,
    contents: ContentPlugin,
    snapshotters: SnapshotterPlugin,
  },
  parseConfig(table): SharingPolicy {
    // Durable before the answer: without a choice.
    table.ignore("no_sync");
    return table.oneOf("content_sharing_policy", ["shared", "isolated"], "shared");
  },
  async start({ store, events, contents, snapshotters }, policy, { log }) {
    const [content] = contents.values();
    if (!content) throw failedPrecondition(`no plugins registered for ${ContentPlugin.type}`);
    const metadata = new Metadata({ store, events, content, snapshotters }, policy, log);
    return { instance: metadata, exports: { policy } };
  },
});
