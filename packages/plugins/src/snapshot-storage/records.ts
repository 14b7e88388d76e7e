import type { Labels } from "@slipway/core/labels";
import type { SnapshotInfo, SnapshotKind, SnapshotUsage } from "@slipway/core/snapshots";
import type { Bucket } from "@slipway/core/store";
import { parseStored } from "../metadata/parse-row.ts";
import { type FieldKind, number, object, text } from "../metadata/row-shape.ts";
import { snapshotRecordShape } from "../metadata/row-shapes.ts";
import { Fault } from "@slipway/fault/fault";
import { parseDate } from "@slipway/fault/precise-date";

/** A snapshot as the store has it, under its key or name. */
export interface SnapshotRecord {
  /** Names its folder. Never used again. */
  readonly id: number;
  readonly kind: SnapshotKind;
  /** Empty for a base. */
  readonly parent: string;
  readonly labels: Labels;
  /** RFC 3339, as the next; in records of earlier versions, milliseconds since 1970. */
  readonly createdAt: string | number;
  readonly updatedAt: string | number;
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
    snapshots: jsonBucket(`snapshots/${snapshotter}`, object(snapshotRecordShape)),
    children: jsonBucket(`snapshots/${snapshotter}/children`, text),
    ids: jsonBucket(`snapshots/${snapshotter}/ids`, number),
  };
}

export function toInfo(name: string, record: SnapshotRecord): SnapshotInfo {
  const { kind, parent, labels, createdAt, updatedAt } = record;
  return { name, kind, parent, labels, createdAt: dateOf(createdAt), updatedAt: dateOf(updatedAt) };
}

function dateOf(stored: string | number): Date {
  return typeof stored === "string" ? parseDate(stored) : new Date(stored);
}

function jsonBucket<T>(name: string, kind: FieldKind): Bucket<T> {
  return {
    name,
    encode: (value) => Buffer.from(JSON.stringify(value)),
    decode: (bytes) => {
      const value = parseStored(bytes);
      if (!kind.isValid(value)) throw new Fault("data_loss", `it is not ${kind.name} of a snapshotter`);
      return value as T;
    },
  };
}
