import { maskLabels } from "@slipway/core/field-mask";
import type { Labels } from "@slipway/core/labels";
import type { Mount } from "@slipway/core/mounts/mount";
import type { SnapshotInfo, Snapshotter } from "@slipway/core/snapshots";
import type { Transaction } from "@slipway/core/store";
import type { Scope } from "@slipway/core/stores";
import { Fault, hasCode, messageOf } from "@slipway/fault/fault";
import { now } from "@slipway/fault/precise-date";
import { snapshots } from "./buckets.ts";
import { type Backend, backendKey, type Database, ensureNamespace, nextSequence } from "./database.ts";
import { alreadyExists, invalidArgument, notFound } from "./faults.ts";
import { checkInfoLabels } from "./label-check.ts";
import { hold } from "./lease-resources.ts";
import { addSnapshot, snapshotKey } from "./snapshot-rows.ts";

/** Names the committed snapshot that a prepared one is meant to become: a snapshotter may have it already. */
const refLabel = "containerd.io/snapshot.ref";
const inheritedPrefix = "containerd.io/snapshot/";

/** The labels that snapshotters are told of: containerd's snapshots.FilterInheritedLabels. */
export function inheritedLabels(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).filter(([name]) => name === refLabel || name.startsWith(inheritedPrefix)),
  );
}

/** A snapshot below that has yet to get its name. */
interface Made {
  readonly key: string;
  readonly backendKey: string;
  readonly backendParent: string;
  readonly labels: Labels;
  readonly mounts: Mount[];
  /** Who asked is told that it is there already. */
  readonly found: boolean;
}

/** Makes snapshots in two steps: first below, which takes its time, then in the metadata. */
export class SnapshotMaker {
  readonly #database: Database;
  readonly #scope: Scope;
  readonly #name: string;
  readonly #backend: Backend<Snapshotter>;

  constructor(database: Database, scope: Scope, name: string, backend: Backend<Snapshotter>) {
    this.#database = database;
    this.#scope = scope;
    this.#name = name;
    this.#backend = backend;
  }

  /** @throws {Fault} `already_exists` for the key or for the snapshot that the labels name as the target */
  async make(kind: "prepare" | "view", key: string, parent: string, labels: Labels): Promise<Mount[]> {
    checkInfoLabels(labels);
    using _names = await this.#database.snapshotNames.acquire([this.#key(key)]);
    using _use = await this.#backend.lock.shared();
    const begun = await this.#database.update(
      (transaction) => this.#begin(transaction, key, parent, labels),
      { isFollowed: (result) => !(result instanceof Fault) },
    );
    if (begun instanceof Fault) throw begun;
    const made = await this.#makeBelow(kind, key, begun, labels);
    const fault = await this.#nameIt(made, parent);
    if (fault) throw fault;
    return made.mounts;
  }

  #begin(
    transaction: Transaction,
    key: string,
    parent: string,
    labels: Labels,
  ): Fault | { readonly backendKey: string; readonly backendParent: string } {
    // A snapshot that is there is held by the lease all the same, so the fault must not undo this.
    const target = labels[refLabel] ?? "";
    if (target !== "" && transaction.get(snapshots, this.#key(target))) {
      this.#hold(transaction, target);
      return alreadyExists(`target snapshot "${target}"`);
    }
    if (transaction.get(snapshots, this.#key(key))) {
      this.#hold(transaction, key);
      return alreadyExists(`snapshot "${key}"`);
    }
    const parentRow = parent === "" ? undefined : transaction.get(snapshots, this.#key(parent));
    if (parent !== "" && !parentRow) throw notFound(`parent snapshot ${parent} does not exist`);
    ensureNamespace(transaction, this.#scope.namespace);
    const sequence = nextSequence(transaction, this.#key(""));
    return {
      backendKey: backendKey(this.#scope.namespace, sequence, key),
      backendParent: parentRow?.backendKey ?? "",
    };
  }

  async #makeBelow(
    kind: "prepare" | "view",
    key: string,
    { backendKey, backendParent }: { readonly backendKey: string; readonly backendParent: string },
    labels: Labels,
  ): Promise<Made> {
    const target = labels[refLabel] ?? "";
    try {
      const options = { labels: inheritedLabels(labels), isFollowed: true };
      const mounts = await this.#backend.instance[kind](backendKey, backendParent, options);
      return { key, backendKey, backendParent, labels, mounts, found: false };
    } catch (error) {
      if (!hasCode(error, "already_exists")) throw error;
      if (target === "") {
        throw new Fault("unknown", `unexpected error from snapshotter: ${messageOf(error)}: unknown`, {
          cause: error,
        });
      }
      const below = await this.#findTarget(target, backendParent);
      const merged = { ...below.labels, ...labels };
      return { key: target, backendKey: below.name, backendParent, labels: merged, mounts: [], found: true };
    }
  }

  /** The snapshot that the snapshotter has for a target, of whichever namespace. */
  async #findTarget(target: string, backendParent: string): Promise<SnapshotInfo> {
    const filter = `labels.${JSON.stringify(refLabel)}==${JSON.stringify(target)},parent==${JSON.stringify(backendParent)}`;
    for await (const info of this.#backend.instance.walk([filter])) {
      const same = info.labels[refLabel] === target && info.parent === backendParent;
      if (same && info.kind === "committed") return info;
    }
    throw notFound(`target snapshot "${target}" in backend`);
  }

  async #nameIt(made: Made, parent: string): Promise<Fault | undefined> {
    try {
      return await this.#database.update((transaction) => this.#addRow(transaction, made, parent));
    } catch (error) {
      // Nobody will ever ask for it. The collector finds what cannot be removed now.
      if (!made.found) await this.#backend.instance.remove(made.backendKey).catch(() => undefined);
      this.#backend.dirty = true;
      throw error;
    }
  }

  #addRow(transaction: Transaction, made: Made, parent: string): Fault | undefined {
    const { key, backendKey, backendParent, found } = made;
    this.#hold(transaction, key);
    const there = found ? `target snapshot "${key}" from snapshotter` : `snapshot "${key}"`;
    if (transaction.get(snapshots, this.#key(key))) return alreadyExists(there);
    const parentRow = parent === "" ? undefined : transaction.get(snapshots, this.#key(parent));
    if (parent !== "" && !parentRow) throw notFound(`parent snapshot ${parent} does not exist`);
    if (backendParent !== (parentRow?.backendKey ?? "")) {
      throw invalidArgument(`mismatched parent ${parent} from target ${key}`);
    }
    const at = now();
    addSnapshot(transaction, this.#scope.namespace, this.#name, {
      name: key,
      backendKey,
      parent,
      labels: maskLabels({}, made.labels),
      createdAt: at,
      updatedAt: at,
      children: 0,
    });
    return found ? alreadyExists(there) : undefined;
  }

  #hold(transaction: Transaction, key: string): void {
    hold(transaction, this.#scope, { type: `snapshots/${this.#name}`, id: key });
  }

  #key(key: string): string {
    return snapshotKey(this.#scope.namespace, this.#name, key);
  }
}
