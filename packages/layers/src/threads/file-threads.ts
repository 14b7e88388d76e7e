import { availableParallelism } from "node:os";
import { rm } from "node:fs/promises";
import { MessageChannel, type Worker } from "node:worker_threads";
import { codeOf, Fault, messageOf } from "@slipway/fault/fault";
import type { ApplyLayerOptions } from "../apply/apply.ts";
import type { Compression } from "@slipway/oci/media-types";
import type { PackedDiff } from "../diff/pack-diff.ts";
import type { WriteDiffOptions } from "../diff/write-diff.ts";
import type { UnpackedLayer } from "../apply/unpack.ts";
import type { ExtractImageOptions } from "../erofs/extract-image.ts";
import type { WrittenImage } from "../erofs/image-file.ts";
import type { UnpackImageOptions } from "../erofs/unpack-image.ts";
import type { ImageSummary, VerifyImageOptions } from "../erofs/verify.ts";
import type { AheadImage } from "../ingest/index-ahead.ts";
import type { StoredBlob } from "../ingest/ingest-blob.ts";
import { type AheadTar, newAheadTar } from "../ingest/ahead-tar.ts";
import type { TreeUsage } from "../files/usage.ts";
import { abortRing, leaveRing, ringBytes, RingWriter } from "./byte-ring.ts";
import { Channel } from "./channel.ts";
import type { Answers, FileWork, Work, WorkKind } from "./messages.ts";
import type { SharedThreads } from "./shared-threads.ts";
import { ThreadPool } from "./thread-pool.ts";

export type { UnpackImageOptions } from "../erofs/unpack-image.ts";
export type { AheadImage } from "../ingest/index-ahead.ts";

// Blobs share threads: each compiles for itself what it does. One kind of thread does what there is to do to bytes, another
// makes the index of them: so the code for that, which takes as long to compile as inflating 100 MB, is compiled once, and
// two processors work on one layer (bench/pull.ts). Half of the processors are for what brings the bytes.
const maxBlobThreads = Math.max(Math.min(2, availableParallelism()), Math.floor(availableParallelism() / 2));
const maxBlobs = 8;
// An index takes less time than its tar.
const blobThreadsOfIndexThread = 4;
const maxIndexThreads = Math.ceil(maxBlobThreads / blobThreadsOfIndexThread);

interface RunOptions {
  readonly input?: AsyncIterable<Uint8Array>;
  /** The input, for who fills and ends it himself. */
  readonly ring?: RingWriter;
  readonly output?: (bytes: Uint8Array) => Promise<void>;
  readonly onIgnored?: ((what: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Ends the thread with the work, which must not leave anything half done. */
  readonly interrupt?: AbortSignal | undefined;
}

export interface IngestBlobOptions extends Omit<Work["ingest"], "tar"> {
  /** The new file that the blob, a layer, becomes an image in. */
  readonly image?: string;
}

export interface IngestedBlob extends StoredBlob {
  /** Made when its index is, which may take longer. Nothing when it was not asked for, or the blob is no layer. */
  readonly image: Promise<AheadImage | undefined>;
}

/** A blob that a thread stores. */
export interface BlobThread {
  /** @throws {Fault} what went wrong in the thread */
  write(bytes: Uint8Array): Promise<void>;
  /** To be called once. @throws {Fault} what went wrong in the thread */
  end(): Promise<IngestedBlob>;
}

/**
 * Does what walks whole file trees, in threads with synchronous calls: a promise for each of 100,000 calls takes longer
 * than the calls, and would hold up everybody else (bench/unpack.ts).
 */
export class FileThreads implements AsyncDisposable {
  readonly #pool = new ThreadPool();
  readonly #blobThreads = this.#pool.shared("blobs", maxBlobThreads, maxBlobs);
  readonly #indexThreads = this.#pool.shared("files", maxIndexThreads, maxBlobs * blobThreadsOfIndexThread);
  #ingests = 0;

  /** Layers are going to be stored: makes threads ready for them, which takes longer than a small layer's download. */
  async expectLayers(): Promise<void> {
    const getReady = async (threads: SharedThreads): Promise<void> => {
      const worker = threads.expect();
      if (!worker) return;
      try {
        await this.#perform(worker, "getReady", undefined);
      } finally {
        threads.leave(worker);
      }
    };
    await Promise.all([getReady(this.#blobThreads), getReady(this.#indexThreads)]);
  }

  /**
   * As ingestBlob(), with bytes that are given to what it returns. Nothing when too many are stored at once: some threads
   * have to be left for other work.
   */
  ingest({ image, ...blob }: IngestBlobOptions): BlobThread | undefined {
    const worker = this.#blobThreads.join();
    if (!worker) return undefined;
    const indexer = image === undefined ? undefined : this.#indexThreads.join();
    if (image !== undefined && !indexer) {
      this.#blobThreads.leave(worker);
      return undefined;
    }
    this.#ingests += 1;
    const bytes = ringBytes(this.#ingests);
    const ring = new RingWriter(bytes.blob);
    const tar = image === undefined ? undefined : newAheadTar(image, bytes.tar);
    const made = tar && indexer ? this.#index(indexer, tar) : Promise.resolve(undefined);
    const done = this.#ingestIn(worker, { ...blob, ...(tar ? { tar } : {}) }, ring, made);
    done.catch(() => {
      // Whoever writes or ends it is told.
    });
    return {
      write: (bytes) => ring.write(bytes),
      end: () => {
        ring.end();
        return done;
      },
    };
  }

  /** As unpackLayer(). An abort ends it with `canceled`, and leaves what is already there. */
  async unpack(
    blob: AsyncIterable<Uint8Array>,
    root: string,
    { onIgnored, ...options }: ApplyLayerOptions,
    signal?: AbortSignal,
  ): Promise<UnpackedLayer> {
    return await this.#run("unpack", { root, options }, { input: blob, onIgnored, signal });
  }

  /** As unpackImage(). */
  async unpackImage(
    blob: AsyncIterable<Uint8Array>,
    path: string,
    { onIgnored, ...options }: UnpackImageOptions,
    signal?: AbortSignal,
  ): Promise<WrittenImage> {
    return await this.#run("unpackImage", { path, options }, { input: blob, onIgnored, signal });
  }

  /** As reindexImage(). */
  async reindexImage(
    path: string,
    options: Pick<UnpackImageOptions, "root" | "parents">,
  ): Promise<WrittenImage> {
    return await this.#run("reindexImage", { path, options });
  }

  /** As verifyImage(). An abort ends it at once with `canceled`. */
  async verifyImage(
    path: string,
    options: VerifyImageOptions = {},
    signal?: AbortSignal,
  ): Promise<ImageSummary> {
    return await this.#run("verifyImage", { path, options }, { interrupt: signal });
  }

  /** As extractImage(). */
  async extractImage(
    path: string,
    root: string,
    options: Omit<ExtractImageOptions, "onIgnored">,
  ): Promise<number> {
    return await this.#run("extractImage", { path, root, options });
  }

  /** As packDiff(): `write` gets the layer's blob. */
  async diff(
    options: WriteDiffOptions,
    compression: Compression,
    write: (bytes: Uint8Array) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<PackedDiff> {
    return await this.#run("diff", { options, compression }, { output: write, signal });
  }

  /** What a tree takes on its disk. */
  async usage(path: string): Promise<TreeUsage> {
    return await this.#run("usage", { path });
  }

  /** Removes a tree; that there is none is fine. */
  async remove(path: string): Promise<void> {
    await this.#run("remove", { path });
  }

  /** Copies what is in directory `from` into directory `to`, with all attributes. */
  async copy(from: string, to: string): Promise<void> {
    await this.#run("copy", { from, to });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }

  async #run<Kind extends keyof FileWork>(
    kind: Kind,
    work: Work[Kind],
    options: RunOptions = {},
  ): Promise<Answers[Kind]> {
    options.interrupt?.throwIfAborted();
    return await this.#pool.use("files", (worker) => this.#perform(worker, kind, work, options));
  }

  async #ingestIn(
    worker: Worker,
    work: Work["ingest"],
    ring: RingWriter,
    image: Promise<AheadImage | undefined>,
  ): Promise<IngestedBlob> {
    try {
      return { ...(await this.#perform(worker, "ingest", work, { ring })), image };
    } catch (error) {
      // Its thread may have died in the middle.
      if (work.tar) abortRing(work.tar.ring);
      await image;
      throw error;
    } finally {
      this.#ingests -= 1;
      this.#blobThreads.leave(worker);
    }
  }

  /** Nothing when it went wrong: who applies the layer will meet the same, and tell of it. */
  async #index(worker: Worker, tar: AheadTar): Promise<AheadImage | undefined> {
    try {
      return await this.#perform(worker, "indexAhead", tar);
    } catch {
      leaveRing(tar.ring);
      await rm(tar.path, { force: true });
      return undefined;
    } finally {
      this.#indexThreads.leave(worker);
    }
  }

  async #perform<Kind extends WorkKind>(
    worker: Worker,
    kind: Kind,
    work: Work[Kind],
    options: RunOptions = {},
  ): Promise<Answers[Kind]> {
    const { port1, port2 } = new MessageChannel();
    const ring = options.ring ?? (options.input ? new RingWriter() : undefined);
    const { onIgnored } = options;
    using channel = new Channel(port1, { onIgnored, onTaken: () => ring?.taken() });
    channel.answer().catch((error: Error) => ring?.over(error));
    const died = (cause?: unknown): void => {
      this.#pool.lost(worker);
      channel.fail(new Fault("internal", `Cannot ${kind}: the thread has ended`, { cause }));
    };
    worker.once("error", died).once("exit", died);
    const interrupted = (): void => {
      this.#pool.lost(worker);
      channel.fail(options.interrupt?.reason);
      void worker.terminate();
    };
    options.interrupt?.addEventListener("abort", interrupted, { once: true });
    try {
      worker.postMessage({ kind, work, port: port2, ...(ring ? { ring: ring.shared } : {}) }, [port2]);
      const failure = await carry(channel, options, ring);
      return (await answerTo(channel, failure)) as Answers[Kind];
    } finally {
      worker.off("error", died).off("exit", died);
      options.interrupt?.removeEventListener("abort", interrupted);
    }
  }
}

/** What failed here first is the reason. */
async function answerTo(channel: Channel, failure: Error | undefined): Promise<Answers[WorkKind]> {
  try {
    const answer = await channel.answer();
    if (failure) throw failure;
    return answer;
  } catch (error) {
    throw failure ?? error;
  }
}

/** Carries a job's bytes. What stops it here stops the other side, too. @returns what that was */
async function carry(
  channel: Channel,
  { input, output, signal }: RunOptions,
  ring: RingWriter | undefined,
): Promise<Error | undefined> {
  try {
    for await (const bytes of input ?? []) {
      signal?.throwIfAborted();
      await ring?.write(bytes);
    }
    if (input) ring?.end();
    for await (const bytes of output ? channel.read() : []) {
      signal?.throwIfAborted();
      await output?.(bytes);
    }
    return undefined;
  } catch (error) {
    ring?.abort();
    channel.sendFailure(error);
    return error instanceof Fault ? error : new Fault(codeOf(error), messageOf(error), { cause: error });
  }
}
