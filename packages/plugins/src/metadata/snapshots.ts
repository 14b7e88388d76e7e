import { maskLabels, onlyLabelPaths } from "@slipway/core/field-mask";
import { snapshotFields } from "@slipway/core/filters/fields";
import { compileFilters } from "@slipway/core/filters/filters";
import type { Labels } from "@slipway/core/labels";
import type { Mount } from "@slipway/core/mounts/mount";
import type {
  CommitSnapshotOptions,
  SnapshotInfo,
  SnapshotOptions,
  Snapshotter,
  SnapshotUsage,
  VerifyOptions,
} from "@slipway/core/snapshots";
import { isExtractKey } from "@slipway/core/snapshots/extract-key";
import type { Reader } from "@slipway/core/store";
import type { Scope } from "@slipway/core/stores";
import type { Digest } from "@slipway/oci/digest";
import { Fault, hasCode } from "@slipway/fault/fault";
import { now } from "@slipway/fault/precise-date";
import { type Snapshot, snapshots } from "./buckets.ts";
import { type Backend, backendKey, type Database, nextSequence } from "./database.ts";
import { alreadyExists, failedPrecondition, notFound } from "./faults.ts";
import { checkInfoLabels } from "./label-check.ts";
import { hold, release } from "./lease-resources.ts";
import { inheritedLabels, SnapshotMaker } from "./snapshot-maker.ts";
import { addSnapshot, removeSnapshot, snapshotKey } from "./snapshot-rows.ts";

/**
 * A namespace's view of a snapshotter. Below, a snapshot's key is `NAMESPACE/NUMBER/KEY`; a removed one only loses its
 * name here, and goes below when the collector comes by.
 *
 * containerd's core/metadata/snapshot.go.
 */
export class NamespacedSnapshotter implements Snapshotter {
  readonly #database: Database;
  readonly #scope: Scope;
  readonly #name: string;
  readonly #backend: Backend<Snapshotter>;
  readonly #maker: SnapshotMaker;

  constructor(database: Database, scope: Scope, name: string, backend: Backend<Snapshotter>) {
    this.#database = database;
    this.#scope = scope;
    this.#name = name;
    this.#backend = backend;
    this.#maker = new SnapshotMaker(database, scope, name, backend);
  }

  async stat(key: string): Promise<SnapshotInfo> {
    const row = this.#database.read((reader) => this.#row(reader, key));
    return merged(await this.#backend.instance.stat(row.backendKey), row);
  }

  async update(
    { name, labels }: Pick<SnapshotInfo, "name" | "labels">,
    fieldPaths?: readonly string[],
  ): Promise<SnapshotInfo> {
    if (name === "") throw new Fault("invalid_argument", "invalid argument");
    using _ = await this.#use(name);
    const row = await this.#database.update((transaction) => {
      const old = this.#row(transaction, name);
      onlyLabelPaths(fieldPaths ?? [], `snapshot "${name}"`);
      const masked = maskLabels(old.labels, labels, fieldPaths);
      checkInfoLabels(masked);
      const updated = { ...old, labels: masked, updatedAt: now() };
      transaction.put(snapshots, this.#key(name), updated);
      return updated;
    });
    const below = { name: row.backendKey, labels: inheritedLabels(row.labels) };
    return merged(await this.#backend.instance.update(below, fieldPaths), row);
  }

  async usage(key: string): Promise<SnapshotUsage> {
    return await this.#backend.instance.usage(this.#below(key));
  }

  async mounts(key: string): Promise<Mount[]> {
    return await this.#backend.instance.mounts(this.#below(key));
  }

  async prepare(key: string, parent: string, options: SnapshotOptions = {}): Promise<Mount[]> {
    const mounts = await this.#maker.make("prepare", key, parent, options.labels ?? {});
    if (isExtractKey(key)) this.#database.extractions.note(this.#scope, this.#name);
    const event = { key, parent, snapshotter: this.#name };
    this.#database.events.publish(this.#scope.namespace, "/snapshot/prepare", event);
    return mounts;
  }

  async view(key: string, parent: string, options: SnapshotOptions = {}): Promise<Mount[]> {
    return await this.#maker.make("view", key, parent, options.labels ?? {});
  }

  async commit(
    name: string,
    key: string,
    { labels = {}, parent = "" }: CommitSnapshotOptions = {},
  ): Promise<void> {
    checkInfoLabels(labels);
    using _ = await this.#use(name, key);
    const begun = await this.#database.update(
      (transaction) => {
        hold(transaction, this.#scope, { type: `snapshots/${this.#name}`, id: name });
        // Not thrown: who wants a snapshot that is there has it held by the lease all the same.
        if (transaction.get(snapshots, this.#key(name))) return alreadyExists(`snapshot "${name}"`);
        const row = this.#row(transaction, key);
        // One that has a parent keeps it, whatever the caller says.
        const rebased = row.parent === "" && parent !== "";
        const backendParent = rebased ? this.#parentRow(transaction, parent).backendKey : undefined;
        const sequence = nextSequence(transaction, this.#key(""));
        return { row, backendParent, to: backendKey(this.#scope.namespace, sequence, name) };
      },
      { isFollowed: (result) => !(result instanceof Fault) },
    );
    if (begun instanceof Fault) throw begun;
    const { row, backendParent, to } = begun;
    await this.#backend.instance.commit(to, row.backendKey, {
      labels: inheritedLabels(labels),
      isFollowed: true,
      ...(backendParent === undefined ? {} : { parent: backendParent }),
    });
    // If the collector took the active one meanwhile, what was committed has no name and goes, too.
    this.#backend.dirty = true;
    await this.#database.update((transaction) => {
      const active = this.#row(transaction, key);
      if (backendParent !== undefined) this.#parentRow(transaction, parent);
      removeSnapshot(transaction, this.#scope.namespace, this.#name, active);
      release(transaction, this.#scope, { type: `snapshots/${this.#name}`, id: key });
      const at = now();
      addSnapshot(transaction, this.#scope.namespace, this.#name, {
        name,
        backendKey: to,
        parent: backendParent === undefined ? row.parent : parent,
        labels: maskLabels({}, labels),
        createdAt: at,
        updatedAt: at,
        children: 0,
      });
    });
    const event = { key, name, snapshotter: this.#name };
    this.#database.events.publish(this.#scope.namespace, "/snapshot/commit", event);
  }

  async remove(key: string): Promise<void> {
    using _ = await this.#use(key);
    await this.#database.update((transaction) => {
      const row = this.#row(transaction, key);
      if (row.children > 0) throw failedPrecondition("cannot remove snapshot with child");
      removeSnapshot(transaction, this.#scope.namespace, this.#name, row);
      release(transaction, this.#scope, { type: `snapshots/${this.#name}`, id: key });
      this.#database.dirty = true;
      this.#backend.dirty = true;
    });
    const event = { key, snapshotter: this.#name };
    this.#database.events.publish(this.#scope.namespace, "/snapshot/remove", event);
  }

  async *walk(filters: readonly string[] = []): AsyncGenerator<SnapshotInfo> {
    const matches = compileFilters(filters);
    for await (const page of this.#database.scan(snapshots, this.#key(""))) {
      for (const [, row] of page) {
        const info = await this.#infoOf(row);
        if (info && matches(snapshotFields(info))) yield info;
      }
    }
  }

  /** Undefined for one that was removed meanwhile. */
  async #infoOf(row: Snapshot): Promise<SnapshotInfo | undefined> {
    try {
      return merged(await this.#backend.instance.stat(row.backendKey), row);
    } catch (error) {
      if (hasCode(error, "not_found")) return undefined;
      throw error;
    }
  }

  async verify(name: string, options?: VerifyOptions): Promise<Digest | undefined> {
    return await this.#backend.instance.verify?.(this.#below(name), options);
  }

  async cleanup(): Promise<void> {
    if (!this.#backend.instance.cleanup) {
      throw new Fault("unimplemented", "snapshotter does not implement Cleanup method: not implemented");
    }
    await this.#backend.instance.cleanup();
  }

  /** The snapshotter below is the daemon's. */
  async [Symbol.asyncDispose](): Promise<void> {}

  #key(key: string): string {
    return snapshotKey(this.#scope.namespace, this.#name, key);
  }

  #row(reader: Reader, key: string): Snapshot {
    const row = reader.get(snapshots, this.#key(key));
    if (!row) throw notFound(`snapshot ${key} does not exist`);
    return row;
  }

  #parentRow(reader: Reader, parent: string): Snapshot {
    const row = reader.get(snapshots, this.#key(parent));
    if (!row) throw notFound(`parent snapshot ${parent} does not exist`);
    return row;
  }

  #below(key: string): string {
    return this.#database.read((reader) => this.#row(reader, key)).backendKey;
  }

  /** Keeps the cleaner away, and whoever wants to change the same snapshots. */
  async #use(...keys: string[]): Promise<Disposable> {
    using stack = new DisposableStack();
    stack.use(await this.#database.snapshotNames.acquire(keys.map((key) => this.#key(key))));
    stack.use(await this.#backend.lock.shared());
    return stack.move();
  }
}

/** What the snapshotter knows of a snapshot, with what its namespace knows of it. */
function merged(below: SnapshotInfo, { name, parent, labels, createdAt, updatedAt }: Snapshot): SnapshotInfo {
  const all: Labels = { ...below.labels, ...labels };
  return { kind: below.kind, name, parent, labels: all, createdAt, updatedAt };
}
