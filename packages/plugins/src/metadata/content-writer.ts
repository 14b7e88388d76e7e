import type { CommitOptions, ContentWriter, IngestStatus } from "@slipway/core/content";
import { maskLabels } from "@slipway/core/field-mask";
import type { Scope } from "@slipway/core/stores";
import { Fault, hasCode, messageOf } from "@slipway/fault/fault";
import { now } from "@slipway/fault/precise-date";
import { type Digest, parseDigest } from "@slipway/oci/digest";
import { blobs, type Ingest, ingests } from "./buckets.ts";
import type { Database } from "./database.ts";
import { alreadyExists, failedPrecondition } from "./faults.ts";
import { checkInfoLabels } from "./label-check.ts";
import { hold, release } from "./lease-resources.ts";

/** A blob that is there already, for a writer that only has to commit. */
export interface SharedBlob {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Writes below, and makes what was written known to its namespace. */
export class NamespacedWriter implements ContentWriter {
  readonly #database: Database;
  readonly #scope: Scope;
  readonly #ingest: Ingest;
  readonly #startedAt = now();
  readonly #expected: Digest | undefined;
  #target: ContentWriter | SharedBlob;

  /** `expected`: what a commit that names no digest has to make. */
  constructor(
    database: Database,
    scope: Scope,
    ingest: Ingest,
    target: ContentWriter | SharedBlob,
    expected: Digest | undefined,
  ) {
    this.#database = database;
    this.#scope = scope;
    this.#ingest = ingest;
    this.#target = target;
    this.#expected = expected;
  }

  status(): IngestStatus {
    const { ref } = this.#ingest;
    if (isWriter(this.#target)) return { ...this.#target.status(), ref };
    const { digest: expected, sizeBytes } = this.#target;
    const at = this.#startedAt;
    return { ref, offset: sizeBytes, total: sizeBytes, expected, startedAt: at, updatedAt: at };
  }

  digest(): Digest | undefined {
    return isWriter(this.#target) ? this.#target.digest() : this.#target.digest;
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (!isWriter(this.#target) && bytes.length === 0) return;
    await (await this.#own()).write(bytes);
  }

  async truncate(offset: number): Promise<void> {
    if (!isWriter(this.#target) && offset === this.#target.sizeBytes) return;
    await (await this.#own()).truncate(offset);
  }

  async commit({ total, expected, labels = {} }: CommitOptions = {}): Promise<Digest> {
    checkInfoLabels(labels);
    using _ = await this.#database.content.lock.shared();
    const { digest, sizeBytes } = await this.#commitBelow(total, expected ?? this.#expected);
    const key = `${this.#scope.namespace}/${digest}`;
    const created = await this.#database.update((transaction) => {
      transaction.delete(ingests, `${this.#scope.namespace}/${this.#ingest.ref}`);
      release(transaction, this.#scope, { type: "ingests", id: this.#ingest.ref });
      hold(transaction, this.#scope, { type: "content", id: digest });
      if (transaction.get(blobs, key)) return false;
      const at = now();
      const kept = maskLabels({}, labels);
      transaction.put(blobs, key, { digest, sizeBytes, createdAt: at, updatedAt: at, labels: kept });
      return true;
    });
    if (!created) throw alreadyExists(`content ${digest}`);
    this.#database.events.publish(this.#scope.namespace, "/content/create", {
      digest,
      size: BigInt(sizeBytes),
    });
    return digest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (isWriter(this.#target)) await this.#target[Symbol.asyncDispose]();
  }

  async #commitBelow(total: number | undefined, expected: Digest | undefined): Promise<SharedBlob> {
    const { ref } = this.#ingest;
    const { offset } = this.status();
    if (total !== undefined && total !== offset) {
      await this[Symbol.asyncDispose]();
      throw failedPrecondition(`"${ref}" failed size validation: ${offset} != ${total}`);
    }
    if (!isWriter(this.#target)) {
      if (expected !== undefined && expected !== this.#target.digest) {
        throw failedPrecondition(`"${ref}" unexpected digest`);
      }
      return this.#target;
    }
    const options = { total: offset, ...(expected === undefined ? {} : { expected }) };
    try {
      return { digest: await this.#target.commit(options), sizeBytes: offset };
    } catch (error) {
      if (!hasCode(error, "already_exists")) throw error;
      // Another namespace has it: below there is nothing to do.
      return { digest: expected ?? digestIn(error), sizeBytes: offset };
    }
  }

  /** A writer of one's own, with the shared blob's bytes: it is to become something else. */
  async #own(): Promise<ContentWriter> {
    if (isWriter(this.#target)) return this.#target;
    const { digest, sizeBytes } = this.#target;
    const { instance } = this.#database.content;
    const writer = await instance.writer(this.#ingest.backendRef, {});
    try {
      await writer.truncate(0);
      for await (const chunk of instance.read(digest, { length: sizeBytes })) await writer.write(chunk);
    } catch (error) {
      await writer[Symbol.asyncDispose]();
      throw error;
    }
    this.#target = writer;
    return writer;
  }
}

function isWriter(target: ContentWriter | SharedBlob): target is ContentWriter {
  return "commit" in target;
}

/** Content stores name the blob that is there: `content DIGEST: already exists`. */
function digestIn(error: unknown): Digest {
  const found = /content (\S+): already exists/.exec(messageOf(error))?.[1];
  if (found === undefined)
    throw new Fault("internal", "Cannot tell which blob was written", { cause: error });
  return parseDigest(found);
}
