import type { Digest } from "@slipway/oci/digest";
import type { Labels } from "../labels.ts";
import type { Mount } from "../mounts/mount.ts";

/*
 * How a layer becomes a snapshot: `prepare("work", parent)` gives mounts onto which the layer is applied;
 * `commit("sha256:chain-id", "work")` makes it a parent for others. A container prepares its writable top from the last
 * layer and never commits it; a view is the same, read-only. Keys (of actives and views) and names (of committed ones)
 * share one space.
 */

export type SnapshotKind = "view" | "active" | "committed";

export interface SnapshotInfo {
  readonly kind: SnapshotKind;
  /** The key of an active or view, the name of a committed one. */
  readonly name: string;
  /** Empty for a base. */
  readonly parent: string;
  readonly labels: Labels;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface SnapshotUsage {
  readonly sizeBytes: number;
  readonly inodes: number;
}

export interface SnapshotOptions {
  readonly labels?: Labels;
  /** The caller makes a record of it in the daemon's store, and waits for that: see UpdateOptions. */
  readonly isFollowed?: boolean;
}

export interface CommitSnapshotOptions extends SnapshotOptions {
  /** For a snapshot that was prepared without a parent: the one that it is put upon. */
  readonly parent?: string;
}

export interface VerifyOptions {
  /** How fast to read at most. */
  readonly bytesPerSecond?: number;
  readonly signal?: AbortSignal;
}

/** Keeps snapshots. Defined by containerd's core/snapshots/snapshotter.go. */
export interface Snapshotter extends AsyncDisposable {
  /** @throws {Fault} `not_found` */
  stat(key: string): Promise<SnapshotInfo>;
  /** `fieldPaths`: `labels`, `labels.NAME`; all labels are replaced without it. */
  update(info: Pick<SnapshotInfo, "name" | "labels">, fieldPaths?: readonly string[]): Promise<SnapshotInfo>;
  /** What the snapshot itself takes, without its parents. */
  usage(key: string): Promise<SnapshotUsage>;
  /** The mounts of an active or a view. @throws {Fault} `not_found`, `failed_precondition` for a committed one */
  mounts(key: string): Promise<Mount[]>;
  /** @throws {Fault} `already_exists`, `not_found` for the parent, `invalid_argument` for an uncommitted parent */
  prepare(key: string, parent: string, options?: SnapshotOptions): Promise<Mount[]>;
  view(key: string, parent: string, options?: SnapshotOptions): Promise<Mount[]>;
  /** @throws {Fault} `already_exists`, `not_found`, `failed_precondition` when `key` is not active */
  commit(name: string, key: string, options?: CommitSnapshotOptions): Promise<void>;
  /** @throws {Fault} `not_found`, `failed_precondition` while it has children */
  remove(key: string): Promise<void>;
  walk(filters?: readonly string[]): AsyncIterable<SnapshotInfo>;
  /**
   * Reads a committed snapshot's layer again and compares it with what was stored.
   * @returns the digest of the layer's tar; nothing when the layer is kept such that nobody can tell
   * @throws {Fault} `not_found`, `data_loss` when it is not what it was
   */
  verify?(name: string, options?: VerifyOptions): Promise<Digest | undefined>;
  /** Frees what removed snapshots left behind. */
  cleanup?(): Promise<void>;
}
