import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CommitOptions, ContentWriter, IngestStatus, WriterOptions } from "@slipway/core/content";
import type { Labels } from "@slipway/core/labels";
import { codeOf, Fault, namingPlace } from "@slipway/fault/fault";
import { now } from "@slipway/fault/precise-date";
import { algorithmOf, type Digest } from "@slipway/oci/digest";
import { type BlobSink, FileSink, type LayerIngests, ThreadSink } from "./blob-sink.ts";
import { createIngest, readIngest, touchIngest } from "./ingest-folder.ts";
import { blobPath, ingestFolder } from "./layout.ts";
import { failedWith } from "./system-errors.ts";

/** What a writer needs of its store. */
interface Owner {
  readonly root: string;
  readonly layers: LayerIngests | undefined;
  /** The writer has ended: another one may have its ref. */
  release(): void;
  has(digest: Digest): Promise<boolean>;
  label(digest: Digest, labels: Labels): void;
}

/** Writes an ingest's data file and hashes it on the way. */
export class LocalWriter implements ContentWriter {
  readonly #owner: Owner;
  readonly #folder: string;
  readonly #file: FileHandle;
  #sink: BlobSink;
  #status: IngestStatus;
  #closed = false;
  /** After a failed write nobody knows what the file has: this writer is of no more use, the next one looks. */
  #broken: unknown;

  private constructor(owner: Owner, folder: string, file: FileHandle, sink: BlobSink, status: IngestStatus) {
    this.#owner = owner;
    this.#folder = folder;
    this.#file = file;
    this.#sink = sink;
    this.#status = status;
  }

  static async open(owner: Owner, ref: string, options: WriterOptions): Promise<LocalWriter> {
    const folder = ingestFolder(owner.root, ref);
    const status = await resumeOrCreate(folder, ref, options.total ?? 0);
    const path = join(folder, "data");
    const file = await open(path, status.offset > 0 ? "r+" : "w");
    try {
      const digest = options.expected ?? options.layer?.digest;
      const algorithm = digest ? algorithmOf(digest) : "sha256";
      const sink = await openSink(owner, file, { path, offset: status.offset, algorithm }, options);
      const { expected } = options;
      return new LocalWriter(owner, folder, file, sink, { ...status, ...(expected ? { expected } : {}) });
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  status(): IngestStatus {
    return this.#status;
  }

  digest(): Digest | undefined {
    return this.#sink.digest();
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#check();
    const { offset } = this.#status;
    try {
      await this.#sink.write(bytes, offset);
    } catch (error) {
      this.#broken = namingPlace(this.#folder, error);
      throw this.#broken;
    }
    this.#status = { ...this.#status, offset: offset + bytes.length, updatedAt: now() };
  }

  async truncate(offset: number): Promise<void> {
    this.#check();
    if (offset === this.#status.offset) return;
    if (offset !== 0) throw new Fault("unimplemented", "Truncate: unsupported size");
    await this.#sink.end();
    await this.#file.truncate(0);
    this.#sink = await FileSink.open(this.#file, this.#path, 0, this.#sink.algorithm);
    this.#status = { ...this.#status, offset: 0, updatedAt: now() };
  }

  async commit(options: CommitOptions = {}): Promise<Digest> {
    this.#check();
    try {
      const digest = await this.#verify(options);
      await this.#publish(digest);
      if (options.labels) this.#owner.label(digest, options.labels);
      return digest;
    } catch (error) {
      throw namingPlace(this.#folder, error);
    } finally {
      await this[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      // An ingest that is going to be continued has all that was written.
      await this.#sink.end().catch(() => {});
      await this.#file.close();
      await touchIngest(this.#folder, this.#status.updatedAt);
    } catch (error) {
      // The folder has gone: by a commit, or an abort under our hands. Without room for its date, the data's own is taken.
      if (!failedWith(error, "ENOENT") && codeOf(error) === "unknown") throw error;
    } finally {
      this.#owner.release();
    }
  }

  #check(): void {
    if (this.#broken) throw this.#broken;
    if (this.#closed) {
      throw new Fault("failed_precondition", "cannot commit on closed writer: failed precondition");
    }
  }

  async #verify(options: CommitOptions): Promise<Digest> {
    const { offset } = this.#status;
    const total = options.total ?? (this.#status.total || offset);
    if (total !== offset) {
      throw new Fault(
        "failed_precondition",
        `unexpected commit size ${offset}, expected ${total}: failed precondition`,
      );
    }
    const wanted = options.expected ?? this.#status.expected;
    const algorithm = wanted ? algorithmOf(wanted) : this.#sink.algorithm;
    let digest = await this.#sink.end();
    // The writer was opened without knowing the digest and took the usual algorithm: only another pass can tell.
    if (algorithm !== this.#sink.algorithm)
      digest = await (await FileSink.open(this.#file, this.#path, offset, algorithm)).end();
    if (wanted && wanted !== digest) {
      throw new Fault(
        "failed_precondition",
        `unexpected commit digest ${digest}, expected ${wanted}: failed precondition`,
      );
    }
    return digest;
  }

  /** Bytes, then name, then the folder that has the name: after a power cut the blob is whole or not there. */
  async #publish(digest: Digest): Promise<void> {
    const target = blobPath(this.#owner.root, digest);
    await mkdir(dirname(target), { recursive: true });
    if (await this.#owner.has(digest)) {
      await this.#remove();
      throw new Fault("already_exists", `content ${digest}: already exists`);
    }
    const at = now();
    const { mode } = await this.#file.stat();
    await this.#file.utimes(at, at);
    await this.#file.chmod(mode & 0o444);
    await this.#file.sync();
    await rename(join(this.#folder, "data"), target);
    await using folder = await open(dirname(target), "r");
    await folder.sync();
    await this.#remove();
  }

  async #remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #path(): string {
    return join(this.#folder, "data");
  }
}

/** A thread's, when the blob is a layer that is going to be unpacked and a thread is to be had. */
async function openSink(
  { layers }: Owner,
  file: FileHandle,
  blob: { readonly path: string; readonly offset: number; readonly algorithm: string },
  { layer }: WriterOptions,
): Promise<BlobSink> {
  const thread = layer && (await layers?.begin(layer, blob));
  if (thread) return new ThreadSink(thread, blob.algorithm);
  return await FileSink.open(file, blob.path, blob.offset, blob.algorithm);
}

async function resumeOrCreate(folder: string, ref: string, total: number): Promise<IngestStatus> {
  try {
    const status = await readIngest(folder);
    if (status.ref === ref && (total === 0 || status.total === 0 || total === status.total)) return status;
  } catch {
    // Torn by a crash or never there: it begins anew either way.
  }
  const at = now();
  await createIngest(folder, ref, total, at);
  return { ref, offset: 0, total, startedAt: at, updatedAt: at };
}
