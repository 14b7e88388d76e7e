import { mkdir, readdir, rename, rm, stat, unlink, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
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
import { Fault, hasCode, namingPlace } from "@slipway/fault/fault";
import { now } from "@slipway/fault/precise-date";
import { type Digest, parseDigest } from "@slipway/oci/digest";
import type { LayerIngests } from "./blob-sink.ts";
import { readIngest } from "./ingest-folder.ts";
import { blobPath, blobsFolder, damagedFolder, damagedPath, ingestFolder, ingestsFolder } from "./layout.ts";
import { readFileRange } from "./read-file.ts";
import { SequentialReads } from "./sequential-reads.ts";
import { failedWith } from "./system-errors.ts";
import { LocalWriter } from "./writer.ts";

/** Where labels are kept: the files have no room for them. A Map is one. */
export interface LabelStore {
  get(digest: Digest): Labels | undefined;
  set(digest: Digest, labels: Labels): unknown;
}

/** Blobs and ingests as plain files. Below the daemon's metadata, which keeps the labels, it has none. */
export class LocalContentStore implements ContentStore {
  readonly #root: string;
  readonly #labels: LabelStore | undefined;
  readonly #layers: LayerIngests | undefined;
  /** The refs that have a writer, and since when. */
  readonly #locks = new Map<string, Date>();
  readonly #writers = new Map<string, ContentWriter>();
  readonly #reads = new SequentialReads();

  constructor(root: string, labels?: LabelStore, layers?: LayerIngests) {
    this.#root = root;
    this.#labels = labels;
    this.#layers = layers;
  }

  async *read(digest: Digest, { offset = 0, length, signal }: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const sizeBytes = this.#reads.sizeOf(digest) ?? (await this.info(digest)).sizeBytes;
    if (offset > sizeBytes) {
      throw new Fault("out_of_range", `read past object length ${sizeBytes} bytes: out of range`);
    }
    const wanted = Math.min(length ?? sizeBytes, sizeBytes - offset);
    const path = blobPath(this.#root, digest);
    const ahead =
      length === undefined ? undefined : this.#reads.take(digest, path, sizeBytes, offset, wanted);
    if (ahead) yield await ahead;
    else yield* readFileRange(path, offset, wanted, signal);
  }

  async info(digest: Digest): Promise<ContentInfo> {
    try {
      const found = await stat(blobPath(this.#root, digest));
      if (!found.isFile())
        throw new Fault("data_loss", `blob ${digest} is damaged: it is not a file: pull its image again`);
      const { size, mtime, atime } = found;
      const labels = this.#labels?.get(digest) ?? {};
      return { digest, sizeBytes: size, createdAt: mtime, updatedAt: atime, labels };
    } catch (error) {
      throw failedWith(error, "ENOENT") ? missingBlob(digest) : error;
    }
  }

  async writer(ref: string, options: WriterOptions = {}): Promise<ContentWriter> {
    if (ref === "") throw new Fault("invalid_argument", "ref must not be empty: invalid argument");
    this.#lock(ref);
    try {
      if (options.expected && (await this.#find(options.expected))) {
        throw new Fault("already_exists", `content ${options.expected}: already exists`);
      }
      const owner = {
        root: this.#root,
        layers: this.#layers,
        release: () => {
          this.#locks.delete(ref);
          this.#writers.delete(ref);
        },
        has: async (digest: Digest) => (await this.#find(digest)) !== undefined,
        label: (digest: Digest, labels: Labels) => this.#labels?.set(digest, labels),
      };
      if (options.foretellsLayers) this.#layers?.expect();
      const writer = await LocalWriter.open(owner, ref, options);
      this.#writers.set(ref, writer);
      return writer;
    } catch (error) {
      this.#locks.delete(ref);
      throw namingPlace(this.#root, error);
    }
  }

  async status(ref: string): Promise<IngestStatus> {
    return this.#writers.get(ref)?.status() ?? (await readIngest(ingestFolder(this.#root, ref)));
  }

  async listStatuses(filters: readonly string[] = []): Promise<IngestStatus[]> {
    const matches = compileFilters(filters);
    const statuses: IngestStatus[] = [];
    for (const name of await namesIn(ingestsFolder(this.#root))) {
      try {
        const status = this.#current(await readIngest(join(ingestsFolder(this.#root), name)));
        if (matches(ingestFields(status))) statuses.push(status);
      } catch (error) {
        // Ended while we were listing, or torn by a crash before it had anything.
        if (!hasCode(error, "not_found")) throw error;
      }
    }
    return statuses;
  }

  async abort(ref: string): Promise<void> {
    // A writer of it has nothing any more that one could speak of.
    this.#writers.delete(ref);
    try {
      await rm(ingestFolder(this.#root, ref), { recursive: true });
    } catch (error) {
      if (!failedWith(error, "ENOENT")) throw error;
      throw new Fault("not_found", `ingest ref "${ref}": not found`);
    }
  }

  async update(digest: Digest, changed: Labels, fieldPaths?: readonly string[]): Promise<ContentInfo> {
    if (!this.#labels) {
      throw new Fault(
        "failed_precondition",
        "update not supported on immutable content store: failed precondition",
      );
    }
    const info = await this.info(digest);
    onlyLabelPaths(fieldPaths ?? [], `content info "${digest}"`);
    const labels = maskLabels(info.labels, changed, fieldPaths);
    const updatedAt = now();
    this.#labels.set(digest, labels);
    await utimes(blobPath(this.#root, digest), updatedAt, info.createdAt);
    return { ...info, labels, updatedAt };
  }

  async *walk(filters: readonly string[] = []): AsyncGenerator<ContentInfo> {
    const matches = compileFilters(filters);
    const folder = blobsFolder(this.#root);
    for (const algorithm of await namesIn(folder)) {
      for (const hex of await namesIn(join(folder, algorithm))) {
        const info = await this.#find(`${algorithm}:${hex}`);
        if (info && matches(contentFields(info))) yield info;
      }
    }
  }

  async delete(digest: Digest): Promise<void> {
    try {
      await unlink(blobPath(this.#root, digest));
      this.#reads.forget(digest);
    } catch (error) {
      throw failedWith(error, "ENOENT") ? missingBlob(digest) : error;
    }
  }

  async setAside(digest: Digest): Promise<void> {
    const path = damagedPath(this.#root, digest);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    // From an earlier time; a file does not give way to what may be a directory.
    await rm(path, { recursive: true, force: true });
    try {
      await rename(blobPath(this.#root, digest), path);
      this.#reads.forget(digest);
    } catch (error) {
      throw failedWith(error, "ENOENT") ? missingBlob(digest) : error;
    }
  }

  async removeSetAside(digests: ReadonlySet<string>): Promise<void> {
    const folder = damagedFolder(this.#root);
    for (const name of await namesIn(folder)) {
      if (!digests.has(name)) await rm(join(folder, name), { recursive: true, force: true });
    }
  }

  /** With what is still on its way to the disk. */
  #current(stored: IngestStatus): IngestStatus {
    const { offset, updatedAt } = this.#writers.get(stored.ref)?.status() ?? stored;
    return { ...stored, offset, updatedAt };
  }

  #lock(ref: string): void {
    const since = this.#locks.get(ref);
    if (since) {
      const seconds = (Date.now() - since.getTime()) / 1000;
      throw new Fault(
        "unavailable",
        `ref ${ref} locked for ${seconds}s (since ${since.toISOString()}): unavailable`,
      );
    }
    this.#locks.set(ref, new Date());
  }

  /** Nothing for a file that is no blob, or that has gone meanwhile. */
  async #find(digest: string): Promise<ContentInfo | undefined> {
    try {
      return await this.info(parseDigest(digest));
    } catch (error) {
      if (hasCode(error, "not_found", "invalid_argument", "data_loss")) return undefined;
      throw error;
    }
  }
}

function missingBlob(digest: Digest): Fault {
  return new Fault("not_found", `content ${digest}: not found`);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (failedWith(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}
