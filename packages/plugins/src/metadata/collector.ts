import type { CollectionStats, GarbageCollector } from "@slipway/core/gc";
import type { Logger } from "@slipway/core/plugin";
import type { Transaction } from "@slipway/core/store";
import { blobs, images, ingests, snapshots } from "./buckets.ts";
import { cleanContent } from "./clean-content.ts";
import { cleanSnapshotter } from "./clean-snapshotter.ts";
import type { Database } from "./database.ts";
import { Graph } from "./graph.ts";
import { sources } from "./graph-sources.ts";
import { removeLease } from "./lease-resources.ts";
import type { Node } from "./references.ts";
import { removeSnapshot } from "./snapshot-rows.ts";

/**
 * Marks and sweeps. The objects are read page by page, while others work. Then one transaction reads again what was
 * changed meanwhile, so the graph is that of this moment, and removes what nothing reaches: nothing can come in between.
 * At last the backends lose what has no name any more; their locks hold this off until what is being made has its name.
 *
 * containerd's core/metadata/gc.go and db.go.
 */
export class Collector implements GarbageCollector {
  readonly #database: Database;
  readonly #log: Logger;
  #running: Promise<CollectionStats> | undefined;
  #waiting: Promise<CollectionStats> | undefined;

  constructor(database: Database, log: Logger) {
    this.#database = database;
    this.#log = log;
  }

  onMutation(listener: (dirty: boolean) => void): void {
    this.#database.onMutation(listener);
  }

  /** One at a time; who asks while one runs gets the next one, with all others who ask. */
  async collect(): Promise<CollectionStats> {
    this.#waiting ??= this.#after(this.#running);
    return await this.#waiting;
  }

  async #after(previous: Promise<CollectionStats> | undefined): Promise<CollectionStats> {
    await previous?.catch(() => undefined);
    this.#running = this.#waiting;
    this.#waiting = undefined;
    return await this.#collect();
  }

  async #collect(): Promise<CollectionStats> {
    const { removed, elapsedMs } = await this.#removeNames();
    for (const node of removed) this.#announce(node);
    await this.#cleanBackends();
    return { elapsedMs };
  }

  async #removeNames(): Promise<CollectionStats & { readonly removed: readonly Node[] }> {
    const now = new Date();
    const graph = new Graph();
    using watch = this.#database.watch();
    for (const source of sources) await source.load(graph, this.#database, now);
    let elapsedMs = 0;
    const removed = await this.#database.sweep((transaction) => {
      const begun = performance.now();
      for (const source of sources) {
        for (const key of watch.changes.get(source.bucket) ?? [])
          source.refresh(graph, transaction, key, now);
      }
      const garbage = graph.garbage(now);
      for (const node of garbage) this.#remove(transaction, node);
      this.#database.dirty = false;
      elapsedMs = performance.now() - begun;
      return garbage;
    });
    return { removed, elapsedMs };
  }

  #remove(transaction: Transaction, node: Node): void {
    const { kind, namespace, name, key } = parsed(node);
    switch (kind) {
      case "content":
        transaction.delete(blobs, key);
        this.#database.content.dirty = true;
        break;
      case "ingest":
        transaction.delete(ingests, key);
        this.#database.content.dirty = true;
        break;
      case "image":
        transaction.delete(images, key);
        break;
      case "lease":
        removeLease(transaction, namespace, name);
        break;
      case "snapshot": {
        const [snapshotter = ""] = name.split("/");
        const row = transaction.get(snapshots, key);
        if (row) removeSnapshot(transaction, namespace, snapshotter, row);
        const backend = this.#database.snapshotters.get(snapshotter);
        if (backend) backend.dirty = true;
        break;
      }
      case "container":
      case "held":
        break;
    }
  }

  #announce(node: Node): void {
    this.#log.debug("garbage collected", { node });
    const { kind, namespace, name } = parsed(node);
    if (kind === "image") this.#database.events.publish(namespace, "/images/delete", { name });
    if (kind !== "snapshot") return;
    const slash = name.indexOf("/");
    const event = { snapshotter: name.slice(0, slash), key: name.slice(slash + 1) };
    this.#database.events.publish(namespace, "/snapshot/remove", event);
  }

  /** A backend that cannot be cleaned stays unclean: the next collection tries again. */
  async #cleanBackends(): Promise<void> {
    const { content, snapshotters } = this.#database;
    const cleaners = [
      ...(content.dirty
        ? [{ name: "content", backend: content, clean: () => cleanContent(this.#database) }]
        : []),
      ...[...snapshotters]
        .filter(([, { dirty }]) => dirty)
        .map(([name, backend]) => ({
          name,
          backend,
          clean: () => cleanSnapshotter(this.#database, name, backend, this.#log),
        })),
    ];
    await Promise.all(
      cleaners.map(async ({ name, backend, clean }) => {
        backend.dirty = false;
        try {
          await clean();
        } catch (error) {
          backend.dirty = true;
          this.#log.warn(`${name} garbage collection failed`, { error });
        }
      }),
    );
  }
}

function parsed(node: Node): { kind: string; key: string; namespace: string; name: string } {
  const space = node.indexOf(" ");
  const key = node.slice(space + 1);
  const slash = key.indexOf("/");
  return { kind: node.slice(0, space), key, namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}
