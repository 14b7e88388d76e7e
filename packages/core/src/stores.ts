import type { ContainerStore } from "./containers/containers.ts";
import type { ContentStore } from "./content/content.ts";
import type { GarbageCollector } from "./gc/gc.ts";
import type { ImageStore } from "./images/images.ts";
import type { LeaseManager } from "./leases/leases.ts";
import type { NamespaceStore } from "./namespaces/namespaces.ts";
import type { Snapshotter } from "./snapshots/snapshots.ts";

/** Whose objects a call sees, and which lease holds what it makes: the two headers of every call. */
export interface Scope {
  readonly namespace: string;
  readonly lease?: string;
}

/** The stores of one namespace. What is made through them is held by the scope's lease. */
export interface ScopedStores {
  readonly images: ImageStore;
  readonly containers: ContainerStore;
  readonly content: ContentStore;
  readonly leases: LeaseManager;
  /** @throws {Fault} `invalid_argument` when there is no such snapshotter */
  snapshotter(name: string): Snapshotter;
}

/** The daemon's metadata: everything that has a name. */
export interface MetadataStores {
  readonly namespaces: NamespaceStore;
  readonly garbage: GarbageCollector;
  scoped(scope: Scope): ScopedStores;
}
