import type { ContentStore } from "@slipway/core/content";
import type { EventPublisher } from "@slipway/core/events";
import type { Snapshotter } from "@slipway/core/snapshots";
import type { Bucket, Reader, Store, Transaction, UpdateOptions } from "@slipway/core/store";
import { ownTurn } from "@slipway/fault/own-turn";
import { Extractions } from "./extractions.ts";
import { namespaces, sequences } from "./buckets.ts";
import { NameLock, SharedLock } from "./locks.ts";
import { type Changes, WatchedTransaction } from "./watched-transaction.ts";

/** So many objects are read in a few milliseconds, also containers with large specs. */
const pageSize = 100;

/** A store below the metadata, shared by all namespaces. */
export interface Backend<T> {
  readonly instance: T;
  /** Shared by those who make something that has no name in the metadata yet; exclusive for who removes what has none. */
  readonly lock: SharedLock;
  /** Something of it lost its name, so it has to be cleaned. */
  dirty: boolean;
}

/** What the stores of all namespaces have in common. */
export class Database {
  readonly #store: Store;
  readonly #listeners: ((dirty: boolean) => void)[] = [];
  #changes: Changes | undefined;
  readonly events: EventPublisher;
  readonly content: Backend<ContentStore>;
  readonly snapshotters: ReadonlyMap<string, Backend<Snapshotter>>;
  readonly snapshotNames = new NameLock();
  readonly extractions = new Extractions();
  /** Something was removed since the last collection. */
  dirty = false;

  constructor(
    store: Store,
    events: EventPublisher,
    content: ContentStore,
    snapshotters: ReadonlyMap<string, Snapshotter>,
  ) {
    this.#store = store;
    this.events = events;
    this.content = backend(content);
    this.snapshotters = new Map([...snapshotters].map(([name, instance]) => [name, backend(instance)]));
  }

  read<T>(work: (reader: Reader) => T): T {
    return this.#store.read(work);
  }

  async update<T>(work: (transaction: Transaction) => T, options?: UpdateOptions<T>): Promise<T> {
    const result = await this.#store.update(
      (transaction) => work(this.#changes ? new WatchedTransaction(transaction, this.#changes) : transaction),
      options,
    );
    for (const listener of this.#listeners) listener(this.dirty);
    return result;
  }

  /** An update that mutation listeners are not told of. */
  async sweep<T>(work: (transaction: Transaction) => T): Promise<T> {
    return await this.#store.update(work);
  }

  /** Those of a bucket whose keys begin with `prefix`, page by page: others have their turn in between. */
  async *scan<T>(
    bucket: Bucket<T>,
    prefix = "",
  ): AsyncGenerator<readonly (readonly [key: string, value: T])[]> {
    for (let after = ""; ; await ownTurn()) {
      const page = { after, limit: pageSize };
      const found = this.read((reader) => [...reader.list(bucket, prefix, page)]);
      yield found;
      if (found.length < pageSize) return;
      after = found.at(-1)?.[0] ?? "";
    }
  }

  /** The matching ones of those that scan() finds. */
  async select<T>(bucket: Bucket<T>, prefix: string, matches: (value: T) => boolean): Promise<T[]> {
    const selected: T[] = [];
    for await (const page of this.scan(bucket, prefix)) {
      for (const [, value] of page) if (matches(value)) selected.push(value);
    }
    return selected;
  }

  /** Collects what updates change, until the watch is disposed of. There is one at a time. */
  watch(): Disposable & { readonly changes: Changes } {
    const changes: Changes = new Map();
    this.#changes = changes;
    return { changes, [Symbol.dispose]: () => (this.#changes = undefined) };
  }

  onMutation(listener: (dirty: boolean) => void): void {
    this.#listeners.push(listener);
  }
}

/** Unclean at first: a crash may have left things without a name. */
function backend<T>(instance: T): Backend<T> {
  return { instance, lock: new SharedLock(), dirty: true };
}

/** A namespace is there with its first object. */
export function ensureNamespace(transaction: Transaction, name: string): void {
  if (!transaction.get(namespaces, name)) transaction.put(namespaces, name, { name, labels: {} });
}

export function nextSequence(transaction: Transaction, name: string): number {
  const next = (transaction.get(sequences, name)?.last ?? 0) + 1;
  transaction.put(sequences, name, { last: next });
  return next;
}

/** The name below the metadata: unique over all namespaces, and telling where it comes from. */
export function backendKey(namespace: string, sequence: number, key: string): string {
  return `${namespace}/${sequence}/${key}`;
}

/** Whether there is a key that begins with `prefix`. */
export function hasAny(reader: Reader, bucket: Bucket<unknown>, prefix: string): boolean {
  for (const _ of reader.list(bucket, prefix, { after: "", limit: 1 })) return true;
  return false;
}
