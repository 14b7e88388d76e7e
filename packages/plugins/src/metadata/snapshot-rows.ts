import type { Transaction } from "@slipway/core/store";
import { type Snapshot, snapshots } from "./buckets.ts";

export function snapshotKey(namespace: string, snapshotter: string, key: string): string {
  return `${namespace}/${snapshotter}/${key}`;
}

/** Adds a snapshot, as a child of its parent. */
export function addSnapshot(
  transaction: Transaction,
  namespace: string,
  snapshotter: string,
  row: Snapshot,
): void {
  transaction.put(snapshots, snapshotKey(namespace, snapshotter, row.name), row);
  countChild(transaction, namespace, snapshotter, row.parent, 1);
}

export function removeSnapshot(
  transaction: Transaction,
  namespace: string,
  snapshotter: string,
  row: Pick<Snapshot, "name" | "parent">,
): void {
  transaction.delete(snapshots, snapshotKey(namespace, snapshotter, row.name));
  countChild(transaction, namespace, snapshotter, row.parent, -1);
}

function countChild(
  transaction: Transaction,
  namespace: string,
  snapshotter: string,
  parent: string,
  by: number,
): void {
  const key = snapshotKey(namespace, snapshotter, parent);
  // The collector removes a whole branch, the parent perhaps first.
  const row = parent === "" ? undefined : transaction.get(snapshots, key);
  if (row) transaction.put(snapshots, key, { ...row, children: row.children + by });
}
