import type { Labels } from "@slipway/core/labels";
import type { SnapshotInfo, SnapshotKind, SnapshotUsage } from "@slipway/core/snapshots";
import type { Bucket } from "@slipway/core/store";

/** A snapshot as the store has it, under its key or name. */
export interface SnapshotRecord {
  /** Names its folder. Never used again. */
  readonly id: number;
  readonly kind: SnapshotKind;
  /** Empty for a base. */
  readonly parent: string;
  readonly labels: Labels;
  /** In milliseconds since 1970, as the next. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Of a committed one. */
  readonly usage?: SnapshotUsage;
}

/** The collections of one snapshotter. */
export interface SnapshotBuckets {
  readonly snapshots: Bucket<SnapshotRecord>;
  /** The key or name of a child under "PARENT-ID/CHILD-ID". */
  readonly children: Bucket<string>;
  /** The last id under "last". */
  readonly ids: Bucket<number>;
}

export function snapshotBuckets(snapshotter: string): SnapshotBuckets {
  return {
    snapshots: jsonBucket(`snapshots/${snapshotter}`),
    children: jsonBucket(`snapshots/${snapshotter}/children`),
    ids: jsonBucket(`snapshots/${snapshotter}/ids`),
  };
}

export function toInfo(name: string, record: SnapshotRecord): SnapshotInfo {
  const { kind, parent, labels, createdAt, updatedAt } = record;
  return { name, kind, parent, labels, createdAt: new Date(createdAt), updatedAt: new Date(updatedAt) };
}

function jsonBucket<T>(name: string): Bucket<T> {
  return {
    name,
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (bytes) => JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()) as T,
  };
}
