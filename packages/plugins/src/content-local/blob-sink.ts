import { createHash, type Hash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import type { AwaitedLayer } from "@slipway/core/content";
import type { BlobThread, IngestBlobOptions } from "@slipway/layers/threads";
import { type Digest, digestFromHash } from "@slipway/oci/digest";
import { readFileRange } from "./read-file.ts";

/** Where an ingest's bytes go, and their hash. */
export interface BlobSink {
  /** Of the digest. */
  readonly algorithm: string;
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Of what was written so far; undefined if only the end tells. */
  digest(): Digest | undefined;
  /** Resolves when all bytes are in the file, with the digest of all that the file has. Nothing is written afterwards. */
  end(): Promise<Digest>;
}

/** Stores layers in threads that unpack them as well. */
export interface LayerIngests {
  /** Layers are going to come. */
  expect(): void;
  begin(layer: AwaitedLayer, blob: Omit<IngestBlobOptions, "image">): Promise<BlobThread | undefined>;
}

/** Writes and hashes on this thread and libuv's. */
export class FileSink implements BlobSink {
  readonly algorithm: string;
  readonly #file: FileHandle;
  readonly #hash: Hash;

  private constructor(file: FileHandle, algorithm: string) {
    this.#file = file;
    this.algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  /** Hashes what the file has so far. */
  static async open(file: FileHandle, path: string, offset: number, algorithm: string): Promise<FileSink> {
    const sink = new FileSink(file, algorithm);
    for await (const chunk of readFileRange(path, 0, offset)) sink.#hash.update(chunk);
    return sink;
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    const written = writeFully(this.#file, bytes, position);
    // The disk and the hash work side by side.
    this.#hash.update(bytes);
    await written;
  }

  digest(): Digest {
    return digestFromHash(this.#hash.copy(), this.algorithm);
  }

  async end(): Promise<Digest> {
    return this.digest();
  }
}

/** Leaves both to a thread. */
export class ThreadSink implements BlobSink {
  readonly algorithm: string;
  readonly #thread: BlobThread;
  #ended: Promise<Digest> | undefined;

  constructor(thread: BlobThread, algorithm: string) {
    this.#thread = thread;
    this.algorithm = algorithm;
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#thread.write(bytes);
  }

  /** The thread hashes behind the writer, who would have to wait for it at each write. */
  digest(): undefined {
    return undefined;
  }

  async end(): Promise<Digest> {
    this.#ended ??= this.#thread.end().then(({ digest }) => digest);
    return await this.#ended;
  }
}

async function writeFully(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten;
  }
}
