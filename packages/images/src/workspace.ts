import type { ContentStore } from "@slipway/core/content";
import type { Applier } from "@slipway/core/diff";
import type { ImageStore } from "@slipway/core/images";
import type { Snapshotter } from "@slipway/core/snapshots";

/** Where images are put together: the stores of one namespace, in this process or behind a client, and who applies layers. */
export interface Workspace {
  readonly content: ContentStore;
  readonly images: ImageStore;
  readonly differ: Applier;
  /** @throws {Fault} `not_found` when there is no such snapshotter */
  snapshotter(name: string): Snapshotter;
}
