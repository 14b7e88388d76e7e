import { maskLabels, onlyLabelPaths } from "@slipway/core/field-mask";
import type { Labels } from "@slipway/core/labels";
import type {
  CommitSnapshotOptions,
  SnapshotInfo,
  SnapshotKind,
  SnapshotUsage,
} from "@slipway/core/snapshots";
import type { Reader, Transaction } from "@slipway/core/store";
import { Fault } from "@slipway/fault/fault";
import { now } from "@slipway/fault/precise-date";
import { snapshotBuckets, type SnapshotBuckets, type SnapshotRecord, toInfo } from "./records.ts";

/** What mounts are made of: ids name folders, the nearest parent first. */
export interface SnapshotChain {
  readonly id: number;
  readonly kind: SnapshotKind;
  readonly parentIds: readonly number[];
  readonly labels: Labels;
}

export type SnapshotPlan = Omit<SnapshotChain, "id">;

export interface NewSnapshot {
  readonly kind: "active" | "view";
  readonly key: string;
  /** Empty for a base. */
  readonly parent: string;
  readonly labels: Labels;
}

interface SnapshotCommit extends CommitSnapshotOptions {
  readonly key: string;
  readonly name: string;
  readonly usage: SnapshotUsage;
}

/**
 * The metadata of a snapshotter: names, parents, kinds, labels, usage. Its calls are made inside of a store's
 * transaction, so that a snapshotter can do its part on the disk in the same one. Behaviour and texts are those of
 * containerd's core/snapshots/storage/bolt.go.
 */
export class SnapshotStorage {
  readonly #buckets: SnapshotBuckets;

  constructor(snapshotter: string) {
    this.#buckets = snapshotBuckets(snapshotter);
  }

  /** @throws {Fault} `not_found` */
  info(reader: Reader, key: string): { id: number; info: SnapshotInfo; usage: SnapshotUsage } {
    const record = this.#get(reader, key);
    return { id: record.id, info: toInfo(key, record), usage: record.usage ?? { sizeBytes: 0, inodes: 0 } };
  }

  /** @throws {Fault} `not_found`, `failed_precondition` for a committed one */
  chain(reader: Reader, key: string): SnapshotChain {
    const record = this.#get(reader, key);
    if (record.kind === "committed") {
      const why = "not active or view: failed precondition";
      throw new Fault("failed_precondition", `requested snapshot ${key} ${why}`);
    }
    const { id, kind, labels } = record;
    return { id, kind, parentIds: this.#parentIds(reader, record.parent), labels };
  }

  /**
   * What create() would make, but for the id.
   * @throws {Fault} `already_exists`, `not_found` for the parent, `invalid_argument` for an uncommitted one
   */
  plan(reader: Reader, { kind, key, parent, labels }: NewSnapshot): SnapshotPlan {
    const { snapshots } = this.#buckets;
    const above = parent === "" ? undefined : reader.get(snapshots, parent);
    if (parent !== "" && !above) throw new Fault("not_found", `missing parent "${parent}" bucket: not found`);
    if (above && above.kind !== "committed") {
      throw new Fault("invalid_argument", `parent "${parent}" is not committed snapshot: invalid argument`);
    }
    if (reader.get(snapshots, key)) throw new Fault("already_exists", `snapshot ${key}: already exists`);
    return { kind, parentIds: this.#parentIds(reader, parent), labels };
  }

  /** @throws {Fault} as plan(), and `aborted` when the parent is another one than that of the plan */
  create(transaction: Transaction, snapshot: NewSnapshot, planned: SnapshotPlan): SnapshotChain {
    const { kind, key, parent, labels } = snapshot;
    const { snapshots, children, ids } = this.#buckets;
    const { parentIds } = this.plan(transaction, snapshot);
    if (parentIds[0] !== planned.parentIds[0]) {
      throw new Fault("aborted", `snapshot ${key}: parent "${parent}" was replaced meanwhile: aborted`);
    }
    const id = (transaction.get(ids, "last") ?? 0) + 1;
    transaction.put(ids, "last", id);
    const at = now().toISOString();
    transaction.put(snapshots, key, { id, kind, parent, labels, createdAt: at, updatedAt: at });
    if (parentIds[0] !== undefined) transaction.put(children, childKey(parentIds[0], id), key);
    return { id, kind, parentIds, labels };
  }

  /**
   * Renames an active snapshot and makes it immutable. Labels are replaced, not kept. One that has no parent can get one.
   * @throws {Fault} `already_exists`, `not_found`, `failed_precondition` when it is not active, `invalid_argument` for another parent
   */
  commit(transaction: Transaction, commit: SnapshotCommit): void {
    const { key, name, usage, labels = {}, parent = "" } = commit;
    const { snapshots, children } = this.#buckets;
    if (transaction.get(snapshots, name)) {
      throw new Fault("already_exists", `committed snapshot ${name}: already exists`);
    }
    const active = transaction.get(snapshots, key);
    if (!active) throw new Fault("not_found", `failed to get active snapshot "${key}": not found`);
    if (active.kind !== "active") {
      throw new Fault("failed_precondition", `snapshot "${key}" is not active: failed precondition`);
    }
    if (active.parent !== "" && parent !== "" && active.parent !== parent) {
      const what = `cannot change parent of active snapshot "${key}" on commit`;
      throw new Fault("invalid_argument", `${what}: invalid argument`);
    }
    const finalParent = active.parent === "" ? parent : active.parent;
    const above = finalParent === "" ? undefined : transaction.get(snapshots, finalParent);
    if (finalParent !== "" && !above) {
      throw new Fault("not_found", `missing parent "${finalParent}" of snapshot "${key}": not found`);
    }
    if (above && above.kind !== "committed") {
      throw new Fault("failed_precondition", `parent "${finalParent}" is not committed: failed precondition`);
    }
    const at = now().toISOString();
    const { id } = active;
    transaction.delete(snapshots, key);
    transaction.put(snapshots, name, {
      id,
      kind: "committed",
      parent: finalParent,
      labels,
      createdAt: at,
      updatedAt: at,
      usage,
    });
    if (above) transaction.put(children, childKey(above.id, id), name);
  }

  /** @throws {Fault} `not_found`, `failed_precondition` while it has children */
  remove(transaction: Transaction, key: string): SnapshotRecord {
    const { snapshots, children } = this.#buckets;
    const record = transaction.get(snapshots, key);
    if (!record) throw new Fault("not_found", `snapshot ${key}: not found`);
    for (const _child of transaction.list(children, `${record.id}/`)) {
      throw new Fault("failed_precondition", "cannot remove snapshot with child: failed precondition");
    }
    transaction.delete(snapshots, key);
    const above = record.parent === "" ? undefined : transaction.get(snapshots, record.parent);
    if (above) transaction.delete(children, childKey(above.id, record.id));
    return record;
  }

  /** @throws {Fault} `not_found`, `invalid_argument` for paths other than those of labels */
  update(
    transaction: Transaction,
    name: string,
    labels: Labels,
    fieldPaths?: readonly string[],
  ): SnapshotInfo {
    const record = this.#get(transaction, name);
    onlyLabelPaths(fieldPaths ?? [], `snapshot "${name}"`);
    const updated = {
      ...record,
      labels: maskLabels(record.labels, labels, fieldPaths),
      updatedAt: now().toISOString(),
    };
    transaction.put(this.#buckets.snapshots, name, updated);
    return toInfo(name, updated);
  }

  /** All snapshots, in the order of their names. */
  *list(reader: Reader): Generator<{ id: number; info: SnapshotInfo }> {
    for (const [name, record] of reader.list(this.#buckets.snapshots)) {
      yield { id: record.id, info: toInfo(name, record) };
    }
  }

  /** The layers below all snapshots that may be mounted. */
  belowMounted(reader: Reader): Set<number> {
    const records = new Map(reader.list(this.#buckets.snapshots));
    const below = new Set<number>();
    for (const { kind, parent } of records.values()) {
      if (kind === "committed") continue;
      // What is below one that is known is known.
      for (let above = records.get(parent); above && !below.has(above.id); above = records.get(above.parent))
        below.add(above.id);
    }
    return below;
  }

  /** The layers below snapshot `id`, the nearest first. Nothing when there is no such snapshot. */
  parentsOf(reader: Reader, id: number): number[] | undefined {
    for (const [, record] of reader.list(this.#buckets.snapshots))
      if (record.id === id) return this.#parentIds(reader, record.parent);
    return undefined;
  }

  /** The layers of a committed snapshot and those below it, the nearest first. @throws {Fault} `not_found` */
  stack(reader: Reader, name: string): number[] {
    return this.#parentIds(reader, name);
  }

  #get(reader: Reader, key: string): SnapshotRecord {
    const record = reader.get(this.#buckets.snapshots, key);
    if (!record) throw new Fault("not_found", "snapshot does not exist: not found");
    return record;
  }

  #parentIds(reader: Reader, parent: string): number[] {
    const ids: number[] = [];
    for (let name = parent; name !== "";) {
      const above = reader.get(this.#buckets.snapshots, name);
      if (!above) throw new Fault("not_found", "missing parent: not found");
      ids.push(above.id);
      name = above.parent;
    }
    return ids;
  }
}

function childKey(parent: number, child: number): string {
  return `${parent}/${child}`;
}
