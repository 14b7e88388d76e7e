import type {
  CommitOptions,
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
import { Fault } from "@slipway/fault/fault";
import { type Digest, digestOf } from "@slipway/oci/digest";

interface Ingest {
  bytes: Buffer;
  readonly total: number;
  readonly startedAt: Date;
  writtenSince?: Date | undefined;
}

/** A content store that forgets: the services' tests look into it. */
export class MemoryContent implements ContentStore {
  readonly #blobs = new Map<Digest, { bytes: Buffer; info: ContentInfo }>();
  readonly #ingests = new Map<string, Ingest>();

  async bytes(digest: Digest): Promise<Buffer> {
    return this.#blob(digest).bytes;
  }

  async *read(digest: Digest, { offset = 0, length }: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const { bytes } = this.#blob(digest);
    if (offset > bytes.length) {
      throw new Fault("out_of_range", `read past object length ${bytes.length} bytes`);
    }
    yield bytes.subarray(offset, length === undefined ? undefined : offset + length);
  }

  async info(digest: Digest): Promise<ContentInfo> {
    return this.#blob(digest).info;
  }

  async writer(ref: string, { expected, total = 0 }: WriterOptions = {}): Promise<ContentWriter> {
    if (expected !== undefined && this.#blobs.has(expected)) throw existing(expected);
    const ingest = this.#ingests.get(ref) ?? { bytes: Buffer.alloc(0), total, startedAt: new Date() };
    if (ingest.writtenSince) {
      const since = ingest.writtenSince.toISOString();
      throw new Fault("unavailable", `ref ${ref} locked for 0s (since ${since}): unavailable`);
    }
    ingest.writtenSince = new Date();
    this.#ingests.set(ref, ingest);
    const release = (): void => void (ingest.writtenSince = undefined);
    return {
      status: () => this.#status(ref),
      digest: () => digestOf(ingest.bytes),
      async write(bytes) {
        ingest.bytes = Buffer.concat([ingest.bytes, bytes]);
      },
      async truncate(offset) {
        if (offset !== 0 && offset !== ingest.bytes.length) {
          throw new Fault("unimplemented", "Truncate: unsupported size");
        }
        ingest.bytes = ingest.bytes.subarray(0, offset);
      },
      commit: async (options) => {
        release();
        return this.#commit(ref, ingest.bytes, { ...(expected ? { expected } : {}), ...options });
      },
      async [Symbol.asyncDispose]() {
        release();
      },
    };
  }

  async status(ref: string): Promise<IngestStatus> {
    return this.#status(ref);
  }

  async listStatuses(filters?: readonly string[]): Promise<IngestStatus[]> {
    const matches = compileFilters(filters);
    return [...this.#ingests.keys()]
      .map((ref) => this.#status(ref))
      .filter((one) => matches(ingestFields(one)));
  }

  async abort(ref: string): Promise<void> {
    this.#status(ref);
    this.#ingests.delete(ref);
  }

  async update(digest: Digest, changed: Labels, fieldPaths?: readonly string[]): Promise<ContentInfo> {
    const blob = this.#blob(digest);
    onlyLabelPaths(fieldPaths ?? [], `content info "${digest}"`);
    const labels = maskLabels(blob.info.labels, changed, fieldPaths);
    blob.info = { ...blob.info, labels, updatedAt: new Date() };
    return blob.info;
  }

  async *walk(filters?: readonly string[]): AsyncGenerator<ContentInfo> {
    const matches = compileFilters(filters);
    for (const { info } of this.#blobs.values()) if (matches(contentFields(info))) yield info;
  }

  async delete(digest: Digest): Promise<void> {
    this.#blob(digest);
    this.#blobs.delete(digest);
  }

  #commit(ref: string, bytes: Buffer, { total, expected, labels = {} }: CommitOptions): Digest {
    const digest = digestOf(bytes);
    if (expected !== undefined && expected !== digest) {
      throw new Fault("failed_precondition", `unexpected commit digest ${digest}, expected ${expected}`);
    }
    if (total !== undefined && total !== bytes.length) {
      throw new Fault("failed_precondition", `unexpected commit size ${bytes.length}, expected ${total}`);
    }
    this.#ingests.delete(ref);
    if (this.#blobs.has(digest)) throw existing(digest);
    const now = new Date();
    const info = { digest, sizeBytes: bytes.length, createdAt: now, updatedAt: now, labels };
    this.#blobs.set(digest, { bytes, info });
    return digest;
  }

  #blob(digest: Digest): { bytes: Buffer; info: ContentInfo } {
    const blob = this.#blobs.get(digest);
    if (!blob) throw new Fault("not_found", `content ${digest}: not found`);
    return blob;
  }

  #status(ref: string): IngestStatus {
    const ingest = this.#ingests.get(ref);
    if (!ingest) throw new Fault("not_found", `ingest ref "${ref}": not found`);
    const { bytes, total, startedAt } = ingest;
    return { ref, offset: bytes.length, total, startedAt, updatedAt: startedAt };
  }
}

function existing(digest: Digest): Fault {
  return new Fault("already_exists", `content ${digest}: already exists`);
}
