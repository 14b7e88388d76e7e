import type { Labels } from "@slipway/core/labels";
import type { Bucket, Reader } from "@slipway/core/store";
import { blobs, containers, images, ingests, leaseResources, leases, snapshots } from "./buckets.ts";
import { usedAts } from "./conditions.ts";
import type { Database } from "./database.ts";
import type { Entry, Graph } from "./graph.ts";
import { labelReferences, node, type Node, type NodeKind } from "./references.ts";

/** A bucket whose objects are in the graph. */
export interface Source {
  readonly bucket: string;
  /** Has the graph know all of the bucket's objects. */
  load(graph: Graph, database: Database, now: Date): Promise<void>;
  /** Has the graph know one anew. */
  refresh(graph: Graph, reader: Reader, key: string, now: Date): void;
}

export const sources: readonly Source[] = [
  source("content", blobs, (key, { labels }) => withLabels(key, labels)),
  source("snapshot", snapshots, (key, { parent, labels }) => {
    const [namespace = "", snapshotter = ""] = key.split("/");
    return {
      ...withLabels(key, labels),
      conditions: [],
      usedAt: usedAts(labels),
      ...(parent === "" ? {} : { structure: node("snapshot", namespace, `${snapshotter}/${parent}`) }),
    };
  }),
  source("image", images, (key, { target, labels }, now) => ({
    ...withLabels(key, labels),
    root: !isExpired(labels, now),
    structure: node("content", namespaceOf(key), target.digest),
  })),
  source("container", containers, (key, { snapshotter, snapshotKey, labels }) => {
    const entry = withLabels(key, labels);
    const rootfs = node("snapshot", namespaceOf(key), `${snapshotter}/${snapshotKey}`);
    return { ...entry, root: true, to: snapshotter === "" ? entry.to : [...entry.to, rootfs] };
  }),
  source("ingest", ingests, (key, { expected, expiresAt }, now) => ({
    root: expiresAt !== undefined && expiresAt > now,
    to: expected === undefined ? [] : [node("content", namespaceOf(key), expected)],
  })),
  source("lease", leases, (_, { labels }, now) => ({
    root: !isExpired(labels, now),
    to: [],
    flat: "containerd.io/gc.flat" in labels,
  })),
  source("held", leaseResources, (key, { type, id }) => {
    const [namespace = "", lease = ""] = key.split("/");
    const [kind = "", snapshotter = ""] = type.split("/");
    const held = node(
      heldKinds[kind] ?? "content",
      namespace,
      snapshotter === "" ? id : `${snapshotter}/${id}`,
    );
    return { root: false, to: [held], heldBy: node("lease", namespace, decodeURIComponent(lease)) };
  }),
];

/** Resource types of leases, and what they are in the graph. */
const heldKinds: Readonly<Record<string, NodeKind>> = {
  content: "content",
  ingests: "ingest",
  images: "image",
  snapshots: "snapshot",
};

function source<T>(
  kind: NodeKind,
  bucket: Bucket<T>,
  entryOf: (key: string, row: T, now: Date) => Entry,
): Source {
  const nodeOf = (key: string): Node => `${kind} ${key}`;
  return {
    bucket: bucket.name,
    async load(graph, database, now) {
      for await (const page of database.scan(bucket)) {
        for (const [key, row] of page) graph.set(nodeOf(key), entryOf(key, row, now));
      }
    },
    refresh(graph, reader, key, now) {
      const row = reader.get(bucket, key);
      graph.set(nodeOf(key), row && entryOf(key, row, now));
    },
  };
}

function withLabels(key: string, labels: Labels): Entry {
  return labelReferences(namespaceOf(key), labels);
}

/** A date that cannot be read is no date. */
function isExpired(labels: Labels, now: Date): boolean {
  const expires = labels["containerd.io/gc.expire"];
  return expires !== undefined && new Date(expires) < now;
}

function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf("/"));
}
