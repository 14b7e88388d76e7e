import type {
  ContentInfo,
  ContentStore,
  ContentWriter,
  IngestStatus,
  ReadOptions,
  WriterOptions,
} from "@slipway/core/content";
import { maskLabels, onlyLabelPaths } from "@slipway/core/field-mask";
import { contentFields, ingestFields } from "@slipway/core/filters/fields";
import { compileFilters } from "@slipway/core/filters/filters";
import type { Labels } from "@slipway/core/labels";
import type { Reader, Transaction } from "@slipway/core/store";
import type { Scope } from "@slipway/core/stores";
import { during, hasCode } from "@slipway/fault/fault";
import { now } from "@slipway/fault/precise-date";
import type { Digest } from "@slipway/oci/digest";
import { blobs, type Ingest, ingests, namespaces } from "./buckets.ts";
import { backendKey, type Database, ensureNamespace } from "./database.ts";
import { alreadyExists, invalidArgument, notFound } from "./faults.ts";
import { hold, release } from "./lease-resources.ts";
import { checkInfoLabels } from "./label-check.ts";
import { NamespacedWriter, type SharedBlob } from "./content-writer.ts";
import { wholeBlob } from "./whole-blob.ts";

const ingestLifeMs = 24 * 60 * 60 * 1000;
const shareableLabel = "containerd.io/namespace.shareable";

/**
 * A namespace's view of the content store below. A blob that another namespace has is no news below, but has to be made
 * known here: by writing it, or, when content is shared, by naming its digest.
 *
 * containerd's core/metadata/content.go.
 */
export class NamespacedContent implements ContentStore {
  readonly #database: Database;
  readonly #scope: Scope;
  /** Any namespace may take any blob by its digest; else only those of namespaces that say so. */
  readonly #shared: boolean;

  constructor(database: Database, scope: Scope, shared: boolean) {
    this.#database = database;
    this.#scope = scope;
    this.#shared = shared;
  }

  async *read(digest: Digest, options?: ReadOptions): AsyncGenerator<Uint8Array> {
    const { sizeBytes } = await this.info(digest);
    yield* wholeBlob(this.#database.content.instance, { digest, sizeBytes }, options);
  }

  async info(digest: Digest): Promise<ContentInfo> {
    return this.#database.read((reader) => this.#blob(reader, digest));
  }

  async update(digest: Digest, changed: Labels, fieldPaths?: readonly string[]): Promise<ContentInfo> {
    return await this.#database.update((transaction) => {
      const old = this.#blob(transaction, digest);
      onlyLabelPaths(fieldPaths ?? [], `content info "${digest}"`);
      const labels = maskLabels(old.labels, changed, fieldPaths);
      checkInfoLabels(labels);
      const updated = { ...old, labels, updatedAt: now() };
      transaction.put(blobs, this.#key(digest), updated);
      return updated;
    });
  }

  async *walk(filters: readonly string[] = []): AsyncGenerator<ContentInfo> {
    const matches = compileFilters(filters);
    for await (const page of this.#database.scan(blobs, this.#key(""))) {
      for (const [, info] of page) if (matches(contentFields(info))) yield info;
    }
  }

  async delete(digest: Digest): Promise<void> {
    await this.#database.update((transaction) => {
      this.#blob(transaction, digest);
      transaction.delete(blobs, this.#key(digest));
      release(transaction, this.#scope, { type: "content", id: digest });
      this.#database.dirty = true;
      this.#database.content.dirty = true;
    });
    this.#database.events.publish(this.#scope.namespace, "/content/delete", { digest });
  }

  async status(ref: string): Promise<IngestStatus> {
    const { backendRef } = this.#database.read((reader) => this.#ingest(reader, ref));
    return { ...(await this.#database.content.instance.status(backendRef)), ref };
  }

  async listStatuses(filters: readonly string[] = []): Promise<IngestStatus[]> {
    const matches = compileFilters(filters);
    const found = await this.#database.select(ingests, this.#key(""), ({ ref }) =>
      matches(ingestFields({ ref })),
    );
    const statuses: IngestStatus[] = [];
    for (const { ref, backendRef } of found) {
      try {
        statuses.push({ ...(await this.#database.content.instance.status(backendRef)), ref });
      } catch (error) {
        // It ended meanwhile, or is of a blob that is shared.
        if (!hasCode(error, "not_found")) throw error;
      }
    }
    return statuses;
  }

  async abort(ref: string): Promise<void> {
    using _ = await this.#database.content.lock.shared();
    const { backendRef, expected } = await this.#database.update((transaction) => {
      const ingest = this.#ingest(transaction, ref);
      transaction.delete(ingests, this.#key(ref));
      release(transaction, this.#scope, { type: "ingests", id: ref });
      return ingest;
    });
    if (expected === undefined) await this.#database.content.instance.abort(backendRef);
  }

  async writer(
    ref: string,
    { total = 0, expected, isUnpacked = false }: WriterOptions = {},
  ): Promise<ContentWriter> {
    if (ref === "") throw invalidArgument("ref must not be empty");
    using _ = await this.#database.content.lock.shared();
    const below = expected === undefined ? undefined : await this.#findBelow(expected);
    const opened = await this.#database.update((transaction) =>
      this.#openIngest(transaction, { ref, total, expected }, below),
    );
    if (opened === "exists") throw alreadyExists(`content ${expected}`);
    const { ingest, shared } = opened;
    // What is expected was asked of this namespace already; the blob below is nothing that it may know of.
    const writer = shared
      ? undefined
      : await this.#database.content.instance.writer(ingest.backendRef, {
          total,
          ...(isUnpacked ? {} : this.#purposeOf(ref, expected)),
        });
    return new NamespacedWriter(this.#database, this.#scope, ingest, writer ?? sharedBlob(shared), expected);
  }

  #openIngest(
    transaction: Transaction,
    { ref, total, expected }: { ref: string; total: number; expected: Digest | undefined },
    below: ContentInfo | undefined,
  ): "exists" | { readonly ingest: Ingest; readonly shared: ContentInfo | undefined } {
    if (expected !== undefined && below && transaction.get(blobs, this.#key(expected))) {
      try {
        hold(transaction, this.#scope, { type: "content", id: expected });
      } catch (error) {
        throw during("lease content", error);
      }
      return "exists";
    }
    const shareable = below && (total === 0 || total === below.sizeBytes) ? below : undefined;
    const shared =
      shareable && (this.#shared || isShareable(transaction, shareable.digest)) ? shareable : undefined;
    ensureNamespace(transaction, this.#scope.namespace);
    hold(transaction, this.#scope, { type: "ingests", id: ref });
    const ingest: Ingest = {
      ref,
      backendRef:
        transaction.get(ingests, this.#key(ref))?.backendRef ?? backendKey(this.#scope.namespace, 1, ref),
      ...(shared ? { expected: shared.digest } : {}),
      ...(this.#scope.lease === undefined ? { expiresAt: new Date(Date.now() + ingestLifeMs) } : {}),
    };
    transaction.put(ingests, this.#key(ref), ingest);
    return { ingest, shared };
  }

  async setAside(digest: Digest): Promise<void> {
    await this.info(digest);
    using _ = await this.#database.content.lock.shared();
    await this.#database.content.instance.setAside?.(digest);
  }

  /**
   * The blob in the store below, whosever it is. One that has lost bytes is none: it is set aside, and the caller is going to
   * bring it again.
   */
  async #findBelow(digest: Digest): Promise<ContentInfo | undefined> {
    const { instance } = this.#database.content;
    const known = this.#database.read((reader) => reader.get(blobs, this.#key(digest)));
    try {
      const found = await instance.info(digest);
      if (!known || !instance.setAside || known.sizeBytes === found.sizeBytes) return found;
    } catch (error) {
      if (hasCode(error, "not_found")) return undefined;
      if (!hasCode(error, "data_loss")) throw error;
    }
    await instance.setAside?.(digest);
    return undefined;
  }

  /** What the ingest is for, as far as the name tells that a pull gives to it. */
  #purposeOf(ref: string, digest: Digest | undefined): Pick<WriterOptions, "layer" | "foretellsLayers"> {
    // Who pulls does it under a lease.
    if (digest === undefined || this.#scope.lease === undefined) return {};
    if (ref === `manifest-${digest}` || ref === `index-${digest}`) return { foretellsLayers: true };
    if (ref !== `layer-${digest}`) return {};
    const snapshotter = this.#database.extractions.snapshotterOf(this.#scope);
    return { layer: { digest, ...(snapshotter === undefined ? {} : { snapshotter }) } };
  }

  #key(name: string): string {
    return `${this.#scope.namespace}/${name}`;
  }

  #blob(reader: Reader, digest: Digest): ContentInfo {
    const info = reader.get(blobs, this.#key(digest));
    if (!info) throw notFound(`content digest ${digest}`);
    return info;
  }

  #ingest(reader: Reader, ref: string): Ingest {
    const ingest = reader.get(ingests, this.#key(ref));
    if (!ingest) throw notFound(`reference ${ref}`);
    return ingest;
  }
}

function sharedBlob(info: ContentInfo | undefined): SharedBlob {
  if (!info) throw new TypeError("no writer and no blob");
  return { digest: info.digest, sizeBytes: info.sizeBytes };
}

/** True when a namespace that has the blob lets all others have it. */
function isShareable(reader: Reader, digest: Digest): boolean {
  for (const [name, { labels }] of reader.list(namespaces)) {
    if (labels[shareableLabel] === "true" && reader.get(blobs, `${name}/${digest}`)) return true;
  }
  return false;
}
