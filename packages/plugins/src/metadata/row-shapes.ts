import { date, labels, number, object, optional, record, type RowShape, text } from "./row-shape.ts";

/*
 * What the code relies on in each kind of row. A row that has less was damaged or edited by hand: it is named, instead of
 * a failure anywhere later.
 */

const times = { createdAt: date, updatedAt: date } as const;

export const namespaceShape: RowShape = { name: text, labels };
export const imageShape: RowShape = {
  name: text,
  labels,
  target: object({ mediaType: text, digest: text, size: number }),
  ...times,
};
export const blobShape: RowShape = { digest: text, sizeBytes: number, labels, ...times };
export const ingestShape: RowShape = {
  ref: text,
  backendRef: text,
  expected: optional(text),
  expiresAt: optional(date),
};
export const snapshotShape: RowShape = {
  name: text,
  backendKey: text,
  parent: text,
  labels,
  children: number,
  ...times,
};
export const leaseShape: RowShape = { id: text, labels, createdAt: date };
export const leaseResourceShape: RowShape = { id: text, type: text };
export const sequenceShape: RowShape = { last: number };

const any = object({ typeUrl: text, size: optional(number), value: optional(text) });

export const containerShape: RowShape = {
  id: text,
  labels,
  image: text,
  runtime: object({ name: text, options: optional(any) }),
  spec: optional(any),
  snapshotter: text,
  snapshotKey: text,
  extensions: record(any),
  sandboxId: optional(text),
  ...times,
};

/** A snapshotter's own. Times are texts, in records of earlier versions numbers. */
export const snapshotRecordShape: RowShape = {
  id: number,
  kind: {
    name: "a kind of snapshot",
    isValid: (kind) => ["active", "committed", "view"].includes(String(kind)),
  },
  parent: text,
  labels,
  usage: optional(object({ sizeBytes: number, inodes: number })),
};
