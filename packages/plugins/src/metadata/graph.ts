import type { Labels } from "@slipway/core/labels";
import type { Lease, LeaseResource } from "@slipway/core/leases";
import type { Bucket, Reader } from "@slipway/core/store";
import {
  blobs,
  containers,
  images,
  type Ingest,
  ingests,
  leaseResources,
  leases,
  snapshots,
} from "./buckets.ts";
import { type Condition, usedAts } from "./conditions.ts";
import { leasePrefix } from "./lease-resources.ts";
import { labelReferences, node, type Node, type NodeKind } from "./references.ts";

/** Everything that the collector may remove, and what keeps what: read once, then asked in memory. */
export class Graph {
  /** All that can be removed. */
  readonly nodes: Node[] = [];
  readonly #roots: Node[] = [];
  /** Held by a lease that holds no more than what it names. */
  readonly #flatRoots: Node[] = [];
  readonly #references = new Map<Node, Node[]>();
  /** The references that also count for what a flat lease holds: an image's target, a snapshot's parent. */
  readonly #structure = new Map<Node, Node>();
  readonly #now: Date;

  constructor(reader: Reader, now: Date) {
    this.#now = now;
    const conditions: [Node, Condition][] = [];
    const used = new Map<Node, Date[]>();
    for (const [key, { labels }] of this.#read(reader, blobs, "content")) {
      this.#add("content", key, labels, conditions, true);
    }
    for (const [key, { parent, labels }] of this.#read(reader, snapshots, "snapshot")) {
      const [namespace = "", snapshotter = ""] = key.split("/");
      this.#add("snapshot", key, labels, [], true);
      used.set(`snapshot ${key}`, usedAts(labels));
      if (parent !== "")
        this.#structure.set(`snapshot ${key}`, node("snapshot", namespace, `${snapshotter}/${parent}`));
    }
    for (const [key, { target, labels }] of this.#read(reader, images, "image")) {
      this.#add("image", key, labels, conditions, false);
      this.#structure.set(`image ${key}`, node("content", namespaceOf(key), target.digest));
      if (!this.#expired(labels)) this.#roots.push(`image ${key}`);
    }
    for (const [key, container] of reader.list(containers)) {
      this.#add("container", key, container.labels, [], false);
      this.#roots.push(`container ${key}`);
      const { snapshotter, snapshotKey } = container;
      if (snapshotter !== "") {
        this.#refer(`container ${key}`, node("snapshot", namespaceOf(key), `${snapshotter}/${snapshotKey}`));
      }
    }
    for (const [key, ingest] of this.#read(reader, ingests, "ingest")) this.#addIngest(key, ingest);
    for (const [key, lease] of this.#read(reader, leases, "lease")) this.#addLease(reader, key, lease);
    for (const [from, { snapshot, holds }] of conditions) {
      if (used.get(snapshot)?.some((usedAt) => holds(usedAt, now))) this.#refer(from, snapshot);
    }
  }

  /** All that is reachable from the roots. */
  mark(): Set<Node> {
    const marked = new Set<Node>();
    const pending = [...this.#roots];
    for (let current = pending.pop(); current !== undefined; current = pending.pop()) {
      if (marked.has(current)) continue;
      marked.add(current);
      const structure = this.#structure.get(current);
      if (structure !== undefined) pending.push(structure);
      pending.push(...(this.#references.get(current) ?? []));
    }
    for (const root of this.#flatRoots) {
      for (
        let current: Node | undefined = root;
        current !== undefined;
        current = this.#structure.get(current)
      ) {
        marked.add(current);
      }
    }
    return marked;
  }

  *#read<T>(reader: Reader, bucket: Bucket<T>, kind: NodeKind): Iterable<readonly [string, T]> {
    for (const entry of reader.list(bucket)) {
      this.nodes.push(`${kind} ${entry[0]}`);
      yield entry;
    }
  }

  #add(
    kind: NodeKind,
    key: string,
    labels: Labels,
    conditions: [Node, Condition][],
    canBeRoot: boolean,
  ): void {
    const self: Node = `${kind} ${key}`;
    const found = labelReferences(namespaceOf(key), labels);
    for (const target of found.to) this.#refer(self, target);
    for (const source of found.from) this.#refer(source, self);
    for (const condition of found.conditions) conditions.push([self, condition]);
    if (found.root && canBeRoot) this.#roots.push(self);
  }

  #addIngest(key: string, { expected, expiresAt }: Ingest): void {
    if (expected !== undefined) this.#refer(`ingest ${key}`, node("content", namespaceOf(key), expected));
    if (expiresAt && expiresAt > this.#now) this.#roots.push(`ingest ${key}`);
  }

  #addLease(reader: Reader, key: string, { id, labels }: Lease): void {
    if (this.#expired(labels)) return;
    this.#roots.push(`lease ${key}`);
    const flat = "containerd.io/gc.flat" in labels;
    const namespace = namespaceOf(key);
    for (const [, resource] of reader.list(leaseResources, leasePrefix(namespace, id))) {
      const held = heldNode(namespace, resource);
      // An ingest has nothing but the blob that it shares.
      (flat && !held.startsWith("ingest ") ? this.#flatRoots : this.#roots).push(held);
    }
  }

  #refer(from: Node, to: Node): void {
    const targets = this.#references.get(from);
    if (targets) targets.push(to);
    else this.#references.set(from, [to]);
  }

  /** A date that cannot be read is no date. */
  #expired(labels: Labels): boolean {
    const expires = labels["containerd.io/gc.expire"];
    return expires !== undefined && new Date(expires) < this.#now;
  }
}

function heldNode(namespace: string, { type, id }: LeaseResource): Node {
  if (type === "content") return node("content", namespace, id);
  if (type === "ingests") return node("ingest", namespace, id);
  if (type === "images") return node("image", namespace, id);
  return node("snapshot", namespace, `${type.slice("snapshots/".length)}/${id}`);
}

function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf("/"));
}
