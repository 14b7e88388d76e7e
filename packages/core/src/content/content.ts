import type { Digest } from "@slipway/oci/digest";
import type { Labels } from "../labels.ts";

/*
 * A blob's life: a writer is opened on a ref (one writer a ref), receives bytes, and commits them under their digest.
 * Until then it is an ingest, which survives its writer and the daemon and can be resumed. A committed blob never
 * changes; only its labels do.
 */

export interface ContentInfo {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly labels: Labels;
}

export interface IngestStatus {
  readonly ref: string;
  /** Bytes received. */
  readonly offset: number;
  /** Bytes expected; 0 when not known. */
  readonly total: number;
  readonly expected?: Digest;
  readonly startedAt: Date;
  readonly updatedAt: Date;
}

export interface ReadOptions {
  /** In bytes from the blob's start. */
  readonly offset?: number;
  /** In bytes; to the end unless told. */
  readonly length?: number;
  readonly signal?: AbortSignal;
}

/** Reads blobs. */
export interface ContentProvider {
  /** @throws {Fault} `not_found`, or `out_of_range` for an offset beyond the end */
  read(digest: Digest, options?: ReadOptions): AsyncIterable<Uint8Array>;
  /** @throws {Fault} `not_found` */
  info(digest: Digest): Promise<ContentInfo>;
}

/** A layer that somebody is going to apply, as far as one knows. */
export interface AwaitedLayer {
  /** Of the blob. */
  readonly digest: Digest;
  /** What it is going to be unpacked into, when somebody has begun to. Clients may as well fetch all of an image before. */
  readonly snapshotter?: string;
}

export interface WriterOptions {
  /** In bytes; checked at commit. */
  readonly total?: number;
  /** Checked at commit; a blob that is there already makes opening fail with `already_exists`. */
  readonly expected?: Digest;
  /** What the blob is for, if that is known: a store may have it unpacked while it comes. */
  readonly layer?: AwaitedLayer;
  /** A layer that is unpacked already: unpacking it while it comes would be for nobody. */
  readonly isUnpacked?: boolean;
  /** Layers follow, as it seems. */
  readonly foretellsLayers?: boolean;
}

export interface CommitOptions {
  /** In bytes; checked unless it is left out. */
  readonly total?: number;
  readonly expected?: Digest;
  readonly labels?: Labels;
}

/** One ingest, opened for writing. Leaving its scope closes it and keeps what it has: it can be opened again. */
export interface ContentWriter extends AsyncDisposable {
  status(): IngestStatus;
  /** Of what was written so far; undefined while it is hashed elsewhere and nobody knows it yet. */
  digest(): Digest | undefined;
  /** Appends. The bytes are the writer's until the promise settles. */
  write(bytes: Uint8Array): Promise<void>;
  /** Drops what was written beyond `offset`. Only 0 and the current offset are possible. */
  truncate(offset: number): Promise<void>;
  /**
   * Makes the ingest a blob, durable and visible, and ends it.
   * @throws {Fault} `failed_precondition` for an unexpected size or digest, `already_exists` when the blob is there
   */
  commit(options?: CommitOptions): Promise<Digest>;
}

/** Takes in blobs. */
export interface ContentIngester {
  /** @throws {Fault} `unavailable` while another writer has the ref, `already_exists` when the expected blob is there */
  writer(ref: string, options?: WriterOptions): Promise<ContentWriter>;
}

/** Looks after ingests. */
export interface IngestManager {
  /** @throws {Fault} `not_found` */
  status(ref: string): Promise<IngestStatus>;
  listStatuses(filters?: readonly string[]): Promise<IngestStatus[]>;
  /** @throws {Fault} `not_found` */
  abort(ref: string): Promise<void>;
}

/** Looks after blobs. */
export interface ContentManager {
  /** `fieldPaths` as a field mask has them: `labels`, `labels.NAME`; all labels are replaced without it. */
  update(digest: Digest, labels: Labels, fieldPaths?: readonly string[]): Promise<ContentInfo>;
  walk(filters?: readonly string[]): AsyncIterable<ContentInfo>;
  /**
   * Takes a blob out of use that is not what its digest says: it is not read again, and the next writer that expects it
   * brings it anew. Not every store can.
   * @throws {Fault} `not_found`
   */
  setAside?(digest: Digest): Promise<void>;
  /** Removes for good what was set aside, unless its digest is among these. */
  removeSetAside?(digests: ReadonlySet<string>): Promise<void>;
  /** @throws {Fault} `not_found` */
  delete(digest: Digest): Promise<void>;
}

export interface ContentStore extends ContentProvider, ContentIngester, IngestManager, ContentManager {}
