import { getCompileCacheDir } from "node:module";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
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
import type { IngestBlobOptions, IngestedBlob } from "../ingest/ingest-blob.ts";
import type { TreeUsage } from "../files/usage.ts";
import { RingWriter } from "./byte-ring.ts";
import { Channel } from "./channel.ts";
import type { Answers, Work, WorkKind } from "./messages.ts";

export type { IngestBlobOptions, IngestedBlob } from "../ingest/ingest-blob.ts";
export type { UnpackImageOptions } from "../erofs/unpack-image.ts";
export type { AheadImage } from "../ingest/unpack-ahead.ts";

// A thread takes 40 ms to start and some megabytes while it is there.
const idleMs = 5_000;
// A layer that comes slowly keeps its thread: those of other images must not wait behind it on a small machine.
const maxThreads = Math.max(4, availableParallelism());

// Blobs share threads: each compiles for itself what it does to a layer, which takes as long as inflating 100 MB. Half of
// the processors are for what brings the bytes. With two of them a second thread takes a sixth more of computing and gives
// back a tenth of the time (bench/pull.ts).
const maxIngestThreads = Math.max(
  Math.min(2, availableParallelism()),
  Math.floor(availableParallelism() / 2),
);
const maxSharing = 8;
// Of all threads, that do not store blobs.
const keptFree = 1;

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
  readonly #idle: { readonly worker: Worker; readonly timer: NodeJS.Timeout }[] = [];
  readonly #busy = new Set<Worker>();
  /** How many blobs each of them stores. */
  readonly #ingests = new Map<Worker, number>();
  readonly #waiting: (() => void)[] = [];
  #free = maxThreads;

  /**
   * As ingestBlob(), with bytes that are given to what it returns. Nothing when too many are stored at once: some threads
   * have to be left for other work.
   */
  ingest(options: IngestBlobOptions): BlobThread | undefined {
    const worker = this.#joinIngests();
    if (!worker) return undefined;
    const ring = new RingWriter();
    const done = this.#ingestIn(worker, options, ring);
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
    const idle = this.#idle.splice(0);
    for (const { timer } of idle) clearTimeout(timer);
    // Those that are busy, too: they may wait for bytes that nobody sends any more.
    const workers = [...idle.map(({ worker }) => worker), ...this.#busy];
    await Promise.all(workers.map((worker) => worker.terminate()));
  }

  async #run<Kind extends WorkKind>(
    kind: Kind,
    work: Work[Kind],
    options: RunOptions = {},
  ): Promise<Answers[Kind]> {
    options.interrupt?.throwIfAborted();
    await this.#enter();
    try {
      const worker = this.#takeWorker();
      try {
        return await this.#perform(worker, kind, work, options);
      } finally {
        this.#release(worker);
      }
    } finally {
      this.#leave();
    }
  }

  /** A thread for one more blob: a new one, or the one that has the fewest. */
  #joinIngests(): Worker | undefined {
    const alive = [...this.#ingests].filter(([worker]) => this.#busy.has(worker));
    const [least] = alive.toSorted(([, some], [, others]) => some - others);
    let worker = least && least[1] < maxSharing ? least[0] : undefined;
    if (alive.length < maxIngestThreads && this.#free > keptFree) {
      this.#free -= 1;
      worker = this.#takeWorker();
    }
    if (worker) this.#ingests.set(worker, (this.#ingests.get(worker) ?? 0) + 1);
    return worker;
  }

  async #ingestIn(worker: Worker, options: IngestBlobOptions, ring: RingWriter): Promise<IngestedBlob> {
    try {
      return await this.#perform(worker, "ingest", options, { ring });
    } finally {
      const others = (this.#ingests.get(worker) ?? 1) - 1;
      if (others > 0) this.#ingests.set(worker, others);
      else {
        this.#ingests.delete(worker);
        this.#release(worker);
        this.#leave();
      }
    }
  }

  async #perform<Kind extends WorkKind>(
    worker: Worker,
    kind: Kind,
    work: Work[Kind],
    options: RunOptions,
  ): Promise<Answers[Kind]> {
    const { port1, port2 } = new MessageChannel();
    const ring = options.ring ?? (options.input ? new RingWriter() : undefined);
    const { onIgnored } = options;
    using channel = new Channel(port1, { onIgnored, onTaken: () => ring?.taken() });
    channel.answer().catch((error: Error) => ring?.over(error));
    const died = (cause?: unknown): void => {
      this.#busy.delete(worker);
      channel.fail(new Fault("internal", `Cannot ${kind}: the thread has ended`, { cause }));
    };
    worker.once("error", died).once("exit", died);
    const interrupted = (): void => {
      this.#busy.delete(worker);
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

  #takeWorker(): Worker {
    const worker = this.#idleWorker() ?? newWorker();
    this.#busy.add(worker);
    return worker;
  }

  #idleWorker(): Worker | undefined {
    const known = this.#idle.pop();
    if (!known) return undefined;
    clearTimeout(known.timer);
    known.worker.ref();
    return known.worker;
  }

  /** Those that have ended are not kept. */
  #release(worker: Worker): void {
    if (this.#busy.delete(worker)) this.#keep(worker);
  }

  #keep(worker: Worker): void {
    worker.unref();
    const end = (): void => {
      this.#idle.splice(
        this.#idle.findIndex((entry) => entry.worker === worker),
        1,
      );
      void worker.terminate();
    };
    this.#idle.push({ worker, timer: setTimeout(end, idleMs).unref() });
  }

  async #enter(): Promise<void> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free += 1;
  }
}

function newWorker(): Worker {
  // Files are opened by system calls that Node does not see, and closed as Node's.
  return new Worker(new URL("./worker.ts", import.meta.url), {
    trackUnmanagedFds: false,
    env: { ...process.env, ...compileCache() },
  });
}

/**
 * What this process compiled, which it may not want everything to have that it starts: a thread that compiles for itself
 * takes twice as long to start, and half as much memory again.
 */
function compileCache(): { readonly NODE_COMPILE_CACHE?: string } {
  const folder = getCompileCacheDir();
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) };
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
