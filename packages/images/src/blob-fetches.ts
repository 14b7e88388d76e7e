import type { ContentStore } from "@slipway/core/content";
import type { Labels } from "@slipway/core/labels";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Digest } from "@slipway/oci/digest";
import { isConfig, isIndex, isManifest } from "@slipway/oci/media-types";
import { type BlobPurpose, type BlobSource, fetchBlob } from "./fetch-blob.ts";
import type { KeyedLock } from "./keyed-lock.ts";

/** How far a blob of an image is. A layer that is unpacked already goes to "unpacked" when its blob is there. */
export interface BlobProgress {
  readonly target: Descriptor;
  readonly state: "waiting" | "fetching" | "fetched" | "existed" | "unpacking" | "unpacked";
  /** Bytes that are there. */
  readonly offset: number;
  /** What led here, from the image's target on. */
  readonly parents: readonly Descriptor[];
}

interface BlobFetchesOptions {
  readonly labels?: (before: Labels) => Labels;
  readonly concurrentLayers: number;
  readonly locks: KeyedLock;
  readonly onProgress?: (progress: BlobProgress) => void;
  readonly signal: AbortSignal;
}

// Pieces come by the thousand in a second.
const eachMs = 20;

/** The blobs of one image on their way: each once, all but its documents a few at a time in the order of the requests. */
export class BlobFetches {
  readonly #content: ContentStore;
  readonly #source: BlobSource;
  readonly #options: BlobFetchesOptions;
  readonly #started = new Map<Digest, Promise<void>>();
  readonly #parents = new Map<Digest, readonly Descriptor[]>();
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(content: ContentStore, source: BlobSource, options: BlobFetchesOptions) {
    this.#content = content;
    this.#source = source;
    this.#options = options;
  }

  /** Tells of a blob before anything is done about it. */
  announce(target: Descriptor, parents: readonly Descriptor[]): void {
    if (this.#parents.has(target.digest)) return;
    this.#parents.set(target.digest, parents);
    this.report(target, "waiting", 0);
  }

  /** Resolves when the blob is there. */
  async fetch(target: Descriptor, parents: readonly Descriptor[], purpose: BlobPurpose = {}): Promise<void> {
    this.announce(target, parents);
    let started = this.#started.get(target.digest);
    if (!started) {
      started = isDocument(target)
        ? this.#fetch(target, purpose)
        : this.#inTurn((leave) => this.#fetch(target, purpose, leave));
      // Whoever waits for it is told; nobody may.
      started.catch(() => {});
      this.#started.set(target.digest, started);
    }
    await started;
  }

  /** Resolves when a layer is there. Those above it follow. */
  async fetchFrom(
    layers: readonly Descriptor[],
    index: number,
    parents: readonly Descriptor[],
  ): Promise<void> {
    const [first, ...others] = layers.slice(index).map((layer) => this.fetch(layer, parents));
    for (const other of others) other.catch(() => {});
    await first;
  }

  /** Resolves when all of them are there. */
  async fetchAll(blobs: readonly Descriptor[], parents: readonly Descriptor[]): Promise<void> {
    await Promise.all(blobs.map((blob) => this.fetch(blob, parents)));
  }

  report(target: Descriptor, state: BlobProgress["state"], offset: number): void {
    const parents = this.#parents.get(target.digest) ?? [];
    this.#options.onProgress?.({ target, state, offset, parents });
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#started.values());
  }

  /** @param onWhole called when all bytes have come: then they have yet to reach the disk */
  async #fetch(target: Descriptor, purpose: BlobPurpose, onWhole: () => void = () => {}): Promise<void> {
    const { labels, locks, signal } = this.#options;
    let toldAtMs = Number.NEGATIVE_INFINITY;
    const result = await locks.run(`blob ${target.digest}`, async () => {
      signal.throwIfAborted();
      return await fetchBlob(this.#content, this.#source, target, {
        ...purpose,
        ...(labels ? { labels } : {}),
        onBytes: (offset) => {
          const isWhole = offset >= target.size;
          if (isWhole || performance.now() - toldAtMs >= eachMs) {
            toldAtMs = performance.now();
            this.report(target, "fetching", offset);
          }
          if (isWhole) onWhole();
        },
        signal,
      });
    });
    if (result === "existed") onWhole();
    this.report(target, result, target.size);
  }

  /** @param work may leave its turn to others before it is done */
  async #inTurn(work: (leave: () => void) => Promise<void>): Promise<void> {
    if (this.#running >= this.#options.concurrentLayers) {
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    } else this.#running += 1;
    let hasLeft = false;
    const leave = (): void => {
      if (hasLeft) return;
      hasLeft = true;
      const next = this.#queue.shift();
      if (next) next();
      else this.#running -= 1;
    };
    try {
      await work(leave);
    } finally {
      leave();
    }
  }
}

/** What the others wait for, and is small. */
function isDocument({ mediaType }: Descriptor): boolean {
  return isIndex(mediaType) || isManifest(mediaType) || isConfig(mediaType);
}
