import { maskLabels } from "@slipway/core/field-mask";
import { imageFields } from "@slipway/core/filters/fields";
import { compileFilters } from "@slipway/core/filters/filters";
import type { GarbageCollector } from "@slipway/core/gc";
import type { Image, ImageStore, ImageUpdate, NewImage } from "@slipway/core/images";
import { validateLabels } from "@slipway/core/labels";
import type { Scope } from "@slipway/core/stores";
import type { Transaction } from "@slipway/core/store";
import { Fault, messageOf } from "@slipway/fault/fault";
import { now } from "@slipway/fault/precise-date";
import type { Descriptor } from "@slipway/oci/descriptor";
import { parseDigest } from "@slipway/oci/digest";
import { images } from "./buckets.ts";
import { type Database, ensureNamespace } from "./database.ts";
import { alreadyExists, invalidArgument, notFound } from "./faults.ts";
import { hold, release } from "./lease-resources.ts";

/** containerd's core/metadata/images.go. */
export class NamespacedImages implements ImageStore {
  readonly #database: Database;
  readonly #scope: Scope;
  readonly #garbage: GarbageCollector;

  constructor(database: Database, scope: Scope, garbage: GarbageCollector) {
    this.#database = database;
    this.#scope = scope;
    this.#garbage = garbage;
  }

  async get(name: string): Promise<Image> {
    const image = this.#database.read((reader) => reader.get(images, this.#key(name)));
    if (!image) throw notFound(`image "${name}"`);
    return image;
  }

  async list(filters: readonly string[] = []): Promise<Image[]> {
    const matches = compileFilters(filters);
    return await this.#database.select(images, this.#key(""), (image) => matches(imageFields(image)));
  }

  async create(image: NewImage): Promise<Image> {
    const createdAt = image.createdAt ?? now();
    const created = stored({ ...image, createdAt, updatedAt: createdAt });
    validateImage(created);
    await this.#database.update((transaction) => {
      if (transaction.get(images, this.#key(image.name))) throw alreadyExists(`image "${image.name}"`);
      ensureNamespace(transaction, this.#scope.namespace);
      this.#put(transaction, created);
    });
    const { name, labels } = created;
    this.#database.events.publish(this.#scope.namespace, "/images/create", { name, labels });
    return created;
  }

  async update(image: ImageUpdate, fieldPaths: readonly string[] = []): Promise<Image> {
    if (image.name === "") throw invalidArgument("image name is required for update");
    const updated = await this.#database.update((transaction) => {
      const old = transaction.get(images, this.#key(image.name));
      if (!old) throw notFound(`image "${image.name}"`);
      const masked = stored({ ...mask(old, image, fieldPaths), updatedAt: image.updatedAt ?? now() });
      validateImage(masked);
      this.#put(transaction, masked);
      return masked;
    });
    const { name, labels } = updated;
    this.#database.events.publish(this.#scope.namespace, "/images/update", { name, labels });
    return updated;
  }

  async delete(
    name: string,
    { sync = false, target }: { readonly sync?: boolean; readonly target?: Descriptor } = {},
  ): Promise<void> {
    await this.#database.update((transaction) => {
      const image = transaction.get(images, this.#key(name));
      if (!image) throw notFound(`image "${name}"`);
      if (target && target.digest !== image.target.digest) {
        throw notFound(`image "${name}" has target ${image.target.digest}, not ${target.digest}`);
      }
      transaction.delete(images, this.#key(name));
      release(transaction, this.#scope, { type: "images", id: name });
      this.#database.dirty = true;
    });
    this.#database.events.publish(this.#scope.namespace, "/images/delete", { name });
    if (sync) await this.#garbage.collect();
  }

  #key(name: string): string {
    return `${this.#scope.namespace}/${name}`;
  }

  #put(transaction: Transaction, image: Image): void {
    // Any other image is a root: no lease needs to hold it.
    if ("containerd.io/gc.expire" in image.labels) {
      hold(transaction, this.#scope, { type: "images", id: image.name });
    }
    transaction.put(images, this.#key(image.name), image);
  }
}

/** @throws {Fault} `invalid_argument` for a field that cannot be changed */
function mask(old: Image, changed: ImageUpdate, fieldPaths: readonly string[]): Image {
  if (fieldPaths.length === 0) return { ...old, labels: changed.labels, target: newTarget(changed) };
  let { target } = old;
  for (const path of fieldPaths) {
    if (path === "labels" || path.startsWith("labels.")) continue;
    if (path === "target") target = newTarget(changed);
    else if (path === "annotations" || path.startsWith("annotations.")) {
      const asLabels = [path.replace("annotations", "labels")];
      const annotations = maskLabels(target.annotations ?? {}, changed.target?.annotations ?? {}, asLabels);
      target = { ...target, annotations };
    } else throw invalidArgument(`cannot update "${path}" field on image "${changed.name}"`);
  }
  return { ...old, labels: maskLabels(old.labels, changed.labels, fieldPaths), target };
}

function newTarget({ name, target }: ImageUpdate): Descriptor {
  if (!target) throw invalidArgument(`target of image "${name}" is required for update`);
  return target;
}

/** The part of an image that containerd keeps. */
function stored({ name, labels, target, createdAt, updatedAt }: Image): Image {
  const { mediaType, digest, size, annotations } = target;
  const kept = maskLabels({}, annotations ?? {});
  return {
    name,
    labels: maskLabels({}, labels),
    target: { mediaType, digest, size, ...(Object.keys(kept).length > 0 ? { annotations: kept } : {}) },
    createdAt,
    updatedAt,
  };
}

function validateImage({ name, labels, target }: Image): void {
  if (name === "") throw invalidArgument("image name must not be empty");
  try {
    validateLabels(labels);
  } catch (error) {
    throw new Fault("invalid_argument", `image.Labels: ${messageOf(error)}`, { cause: error });
  }
  try {
    parseDigest(target.digest);
  } catch (error) {
    throw invalidArgument(`target.Digest "${target.digest}" invalid: ${messageOf(error)}`);
  }
  if (target.size <= 0) throw invalidArgument("target.Size must be greater than zero");
  if (target.mediaType === "") throw invalidArgument("target.MediaType must be set");
  // A client that resolves by itself takes what a login page answers for a manifest, and would leave it here as an image.
  if (/^(?:text\/html|application\/xhtml\+xml)\b/i.test(target.mediaType)) {
    throw invalidArgument(`target.MediaType "${target.mediaType}" is that of a web page, not of an image`);
  }
}
