import { maskLabels } from "@slipway/core/field-mask";
import { validateIdentifier } from "@slipway/core/identifiers";
import { type Labels, validateLabels } from "@slipway/core/labels";
import type { Namespace, NamespaceStore } from "@slipway/core/namespaces";
import type { Bucket, Reader, Transaction } from "@slipway/core/store";
import { Fault, messageOf } from "@slipway/fault/fault";
import { blobs, containers, images, ingests, leases, namespaces, snapshots } from "./buckets.ts";
import { type Database, hasAny } from "./database.ts";
import { alreadyExists, failedPrecondition, notFound } from "./faults.ts";
import { removeLease } from "./lease-resources.ts";

/** containerd's core/metadata/namespaces.go and plugins/services/namespaces/local.go. */
export class Namespaces implements NamespaceStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async get(name: string): Promise<Namespace> {
    return this.#database.read((reader) => reader.get(namespaces, name) ?? { name, labels: {} });
  }

  async list(): Promise<Namespace[]> {
    return this.#database.read((reader) => [...reader.list(namespaces)].map(([, namespace]) => namespace));
  }

  async create({ name, labels }: Namespace): Promise<Namespace> {
    validateIdentifier(name);
    validateNamespaceLabels(labels);
    const created = { name, labels: maskLabels({}, labels) };
    await this.#database.update((transaction) => {
      if (transaction.get(namespaces, name)) throw alreadyExists(`namespace "${name}"`);
      transaction.put(namespaces, name, created);
    });
    this.#database.events.publish(name, "/namespaces/create", created);
    return created;
  }

  async update({ name, labels }: Namespace, fieldPaths?: readonly string[]): Promise<Namespace> {
    for (const path of fieldPaths ?? []) {
      if (path !== "labels" && !path.startsWith("labels.")) {
        throw new Fault("invalid_argument", `cannot update "${path}" field`);
      }
    }
    const updated = await this.#database.update((transaction) => {
      const old = transaction.get(namespaces, name)?.labels ?? {};
      const masked = { name, labels: maskLabels(old, labels, fieldPaths) };
      validateNamespaceLabels(masked.labels);
      transaction.put(namespaces, name, masked);
      return masked;
    });
    this.#database.events.publish(name, "/namespaces/update", { name, labels });
    return updated;
  }

  async delete(name: string): Promise<void> {
    await this.#database.update((transaction) => {
      const left = remains(transaction, name);
      if (left.length > 0) {
        throw failedPrecondition(`namespace "${name}" must be empty, but it still has ${left.join(", ")}`);
      }
      if (!transaction.get(namespaces, name)) throw notFound(`namespace "${name}"`);
      transaction.delete(namespaces, name);
      removeAll(transaction, name);
      this.#database.content.dirty = true;
    });
    this.#database.events.publish(name, "/namespaces/delete", { name });
  }
}

function validateNamespaceLabels(labels: Labels): void {
  try {
    validateLabels(labels);
  } catch (error) {
    throw new Fault("invalid_argument", `namespace.Labels: ${messageOf(error)}`, { cause: error });
  }
}

/** What a namespace must not have when it goes. */
function remains(reader: Reader, namespace: string): string[] {
  const has = (bucket: Bucket<unknown>): boolean => hasAny(reader, bucket, `${namespace}/`);
  const snapshotters = new Set<string>();
  for (const [key] of reader.list(snapshots, `${namespace}/`)) snapshotters.add(key.split("/")[1] ?? "");
  return [
    ...(has(images) ? ["images"] : []),
    ...(has(blobs) ? ["blobs"] : []),
    ...(has(containers) ? ["containers"] : []),
    ...[...snapshotters].map((name) => `snapshots on "${name}" snapshotter`),
  ];
}

/** Ingests and leases go with their namespace. */
function removeAll(transaction: Transaction, namespace: string): void {
  for (const [key] of transaction.list(ingests, `${namespace}/`)) transaction.delete(ingests, key);
  for (const [, { id }] of transaction.list(leases, `${namespace}/`)) removeLease(transaction, namespace, id);
}
