import type { Container, ContainerStore, NewContainer } from "@slipway/core/containers";
import { maskLabels } from "@slipway/core/field-mask";
import { containerFields } from "@slipway/core/filters/fields";
import { compileFilters } from "@slipway/core/filters/filters";
import { validateIdentifier } from "@slipway/core/identifiers";
import { validateLabels } from "@slipway/core/labels";
import type { Reader } from "@slipway/core/store";
import { Fault, messageOf } from "@slipway/fault/fault";
import { now } from "@slipway/fault/precise-date";
import { containers } from "./buckets.ts";
import { type Database, ensureNamespace, hasAny } from "./database.ts";
import { alreadyExists, invalidArgument, notFound } from "./faults.ts";

const mutableFields = ["labels", "spec", "extensions", "image", "snapshotkey"];

/** containerd's core/metadata/containers.go. */
export class NamespacedContainers implements ContainerStore {
  readonly #database: Database;
  readonly #namespace: string;

  constructor(database: Database, namespace: string) {
    this.#database = database;
    this.#namespace = namespace;
  }

  async get(id: string): Promise<Container> {
    const container = this.#database.read((reader) => reader.get(containers, this.#key(id)));
    if (!container) throw notFound(`container "${id}" in namespace "${this.#namespace}"`);
    return container;
  }

  async list(filters: readonly string[] = []): Promise<Container[]> {
    const matches = compileFilters(filters);
    return await this.#database.select(containers, this.#key(""), (container) =>
      matches(containerFields(container)),
    );
  }

  async *walk(filters: readonly string[] = []): AsyncGenerator<Container> {
    const matches = compileFilters(filters);
    for await (const page of this.#database.scan(containers, this.#key(""))) {
      for (const [, container] of page) if (matches(containerFields(container))) yield container;
    }
  }

  async create(container: NewContainer): Promise<Container> {
    const createdAt = now();
    const labels = maskLabels({}, container.labels);
    const created = { ...container, labels, createdAt, updatedAt: createdAt };
    during("create container failed validation", () => validateContainer(created));
    await this.#database.update((transaction) => {
      if (transaction.get(containers, this.#key(container.id))) {
        throw alreadyExists(`container "${container.id}"`);
      }
      ensureNamespace(transaction, this.#namespace);
      transaction.put(containers, this.#key(container.id), created);
    });
    const { id, image, runtime } = created;
    this.#database.events.publish(this.#namespace, "/containers/create", { id, image, runtime });
    return created;
  }

  async update(container: NewContainer, fieldPaths: readonly string[] = []): Promise<Container> {
    if (container.id === "") throw invalidArgument("must specify a container id");
    const updated = await this.#database.update((transaction) => {
      const old = transaction.get(containers, this.#key(container.id));
      if (!old) throw this.#missing(transaction, "update", container.id, `"${container.id}"`);
      const masked = { ...mask(old, container, fieldPaths), updatedAt: now() };
      during("update failed validation", () => validateContainer(masked));
      transaction.put(containers, this.#key(container.id), masked);
      return masked;
    });
    const { id, image, labels, snapshotKey } = updated;
    this.#database.events.publish(this.#namespace, "/containers/update", { id, image, labels, snapshotKey });
    return updated;
  }

  async delete(id: string): Promise<void> {
    await this.#database.update((transaction) => {
      if (!transaction.get(containers, this.#key(id))) throw this.#missing(transaction, "delete", id, id);
      transaction.delete(containers, this.#key(id));
      this.#database.dirty = true;
    });
    this.#database.events.publish(this.#namespace, "/containers/delete", { id });
  }

  #key(id: string): string {
    return `${this.#namespace}/${id}`;
  }

  /** containerd says it differently in a namespace that has no containers at all. */
  #missing(reader: Reader, action: string, id: string, shown: string): Fault {
    if (hasAny(reader, containers, this.#key(""))) return notFound(`container ${shown}`);
    return notFound(`cannot ${action} container "${id}" in namespace "${this.#namespace}"`);
  }
}

/** @throws {Fault} `invalid_argument` for a field that cannot be changed */
function mask(old: Container, changed: NewContainer, fieldPaths: readonly string[]): Container {
  if (fieldPaths.length === 0) {
    if (old.snapshotter !== changed.snapshotter)
      throw invalidArgument("container.Snapshotter field is immutable");
    if (old.runtime.name !== changed.runtime.name) {
      throw invalidArgument("container.Runtime.Name field is immutable");
    }
  }
  let updated = old;
  for (const path of fieldPaths.length > 0 ? fieldPaths : mutableFields) {
    updated = maskField(updated, changed, path);
  }
  return updated;
}

function maskField(old: Container, changed: NewContainer, path: string): Container {
  if (path === "labels" || path.startsWith("labels.")) {
    return { ...old, labels: maskLabels(old.labels, changed.labels, [path]) };
  }
  if (path.startsWith("extensions.")) {
    const name = path.slice("extensions.".length);
    const { [name]: _, ...others } = old.extensions;
    const extension = changed.extensions[name];
    return { ...old, extensions: extension ? { ...others, [name]: extension } : others };
  }
  switch (path) {
    case "spec": {
      const { spec: _, ...others } = old;
      return changed.spec ? { ...others, spec: changed.spec } : others;
    }
    case "extensions":
      return { ...old, extensions: changed.extensions };
    case "image":
      return { ...old, image: changed.image };
    case "snapshotkey":
      return { ...old, snapshotKey: changed.snapshotKey };
    default:
      throw invalidArgument(`cannot update "${path}" field on "${changed.id}"`);
  }
}

function validateContainer(container: Container): void {
  during("container.ID", () => validateIdentifier(container.id));
  if ("" in container.extensions) throw invalidArgument("container.Extension keys must not be zero-length");
  during("containers.Labels", () => validateLabels(container.labels));
  if (container.runtime.name === "") throw invalidArgument("container.Runtime.Name must be set");
  if (!container.spec) throw invalidArgument("container.Spec must be set");
  if (container.snapshotKey !== "" && container.snapshotter === "") {
    throw invalidArgument("container.Snapshotter must be set if container.SnapshotKey is set");
  }
}

function during(what: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw new Fault("invalid_argument", `${what}: ${messageOf(error)}`, { cause: error });
  }
}
