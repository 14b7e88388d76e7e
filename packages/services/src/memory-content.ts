import type {
  CommitOptions,
  ContentInfo,
  ContentStore,
  ContentWriter,
  IngestStatus,
  ReadOptions,
  WriterOptions,
} from "@slipway/core/content";
import type { Labels } from "@slipway/core/labels";
import { Fault } from "@slipway/fault/fault";
import { type Digest, digestOf } from "@slipway/oci/digest";

/** A content store that forgets: the services' tests look into it. */
export class MemoryContent implements ContentStore {
  readonly #blobs = new Map<Digest, { bytes: Buffer; info: ContentInfo }>();
  readonly #ingests = new Map<string, { bytes: Buffer; startedAt: Date }>();

  async bytes(digest: Digest): Promise<Buffer> {
    return this.#blob(digest).bytes;
  }

  async *read(digest: Digest, { offset = 0, length }: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const { bytes } = this.#blob(digest);
    yield bytes.subarray(offset, length === undefined ? undefined : offset + length);
  }

  async info(digest: Digest): Promise<ContentInfo> {
    return this.#blob(digest).info;
  }

  async writer(ref: string, { expected }: WriterOptions = {}): Promise<ContentWriter> {
    if (expected !== undefined && this.#blobs.has(expected)) {
      throw new Fault("already_exists", `content ${expected}: already exists`);
    }
    const ingest = this.#ingests.get(ref) ?? { bytes: Buffer.alloc(0), startedAt: new Date() };
    this.#ingests.set(ref, ingest);
    return {
      status: () => this.#status(ref),
      async write(bytes) {
        ingest.bytes = Buffer.concat([ingest.bytes, bytes]);
      },
      async truncate(offset) {
        ingest.bytes = ingest.bytes.subarray(0, offset);
      },
      commit: async (options) => this.#commit(ref, ingest.bytes, options),
      async [Symbol.asyncDispose]() {},
    };
  }

  async status(ref: string): Promise<IngestStatus> {
    return this.#status(ref);
  }

  async listStatuses(): Promise<IngestStatus[]> {
    return [...this.#ingests.keys()].map((ref) => this.#status(ref));
  }

  async abort(ref: string): Promise<void> {
    this.#ingests.delete(ref);
  }

  async update(digest: Digest, labels: Labels): Promise<ContentInfo> {
    const blob = this.#blob(digest);
    blob.info = { ...blob.info, labels, updatedAt: new Date() };
    return blob.info;
  }

  async *walk(): AsyncGenerator<ContentInfo> {
    for (const { info } of this.#blobs.values()) yield info;
  }

  async delete(digest: Digest): Promise<void> {
    this.#blob(digest);
    this.#blobs.delete(digest);
  }

  #commit(ref: string, bytes: Buffer, { total, expected, labels = {} }: CommitOptions = {}): Digest {
    const digest = digestOf(bytes);
    if (expected !== undefined && expected !== digest) {
      throw new Fault("failed_precondition", `unexpected commit digest ${digest}, expected ${expected}`);
    }
    if (total !== undefined && total !== bytes.length) {
      throw new Fault("failed_precondition", `unexpected commit size ${bytes.length}, expected ${total}`);
    }
    const now = new Date();
    const info = { digest, sizeBytes: bytes.length, createdAt: now, updatedAt: now, labels };
    this.#blobs.set(digest, { bytes, info });
    this.#ingests.delete(ref);
    return digest;
  }

  #blob(digest: Digest): { bytes: Buffer; info: ContentInfo } {
    const blob = this.#blobs.get(digest);
    if (!blob) throw new Fault("not_found", `content ${digest}: not found`);
    return blob;
  }

  #status(ref: string): IngestStatus {
    const ingest = this.#ingests.get(ref);
    if (!ingest) throw new Fault("not_found", `ingest "${ref}": not found`);
    return {
      ref,
      offset: ingest.bytes.length,
      total: 0,
      startedAt: ingest.startedAt,
      updatedAt: ingest.startedAt,
    };
  }
}
