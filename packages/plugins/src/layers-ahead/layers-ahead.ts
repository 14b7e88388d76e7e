import { mkdirSync, rmSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { AwaitedLayer } from "@slipway/core/content";
import { definePlugin, onePlugin } from "@slipway/core/plugin";
import type {
  AheadImage,
  BlobThread,
  FileThreads,
  IngestBlobOptions,
  IngestedBlob,
} from "@slipway/layers/threads";
import { type Digest, hexOf } from "@slipway/oci/digest";
import { FileThreadsPlugin } from "../file-threads/file-threads.ts";

/** Where a snapshotter's layer images can be made before their snapshots are there: on the same file system. */
export interface AheadPlace {
  readonly folder: string;
  readonly isWanted: () => Promise<boolean>;
}

interface Made {
  readonly path: string;
  /** Nothing when the blob is no layer. */
  readonly image: Promise<AheadImage | undefined>;
  readonly timer: NodeJS.Timeout;
}

// After the last sign of the pull that it belongs to.
const keptMs = 60_000;
const maxPassed = 256;

/**
 * Layers that become images while their blobs come, whoever brings those: by the time that the blob is complete, and its
 * client asks for it to be applied, nothing is left to do. So layers unpack side by side and while they are downloaded,
 * also for clients that do one step after the other.
 *
 * Where nobody has begun to unpack, it is a guess, from what clients did last: who fetched, and did not apply, makes the
 * next guess a no, and who applies what was not made ahead makes it a yes again.
 */
export class LayersAhead implements AsyncDisposable {
  readonly #threads: FileThreads;
  readonly #keptMs: number;
  readonly #places = new Map<string, AheadPlace>();
  readonly #coming = new Set<Digest>();
  readonly #made = new Map<Digest, Made>();
  /** Layers that came and were not made ahead, the last one last. */
  readonly #passed = new Set<Digest>();
  #guess = true;

  /** An image that nobody takes goes `idleMs` after the last layer came. */
  constructor(threads: FileThreads, idleMs = keptMs) {
    this.#threads = threads;
    this.#keptMs = idleMs;
  }

  /** A snapshotter takes images. What a killed daemon left in the folder goes. */
  offer(snapshotter: string, place: AheadPlace): void {
    rmSync(place.folder, { recursive: true, force: true });
    this.#places.set(snapshotter, place);
  }

  /** Layers are going to come, as it seems: those that the snapshotter takes, where it is known. */
  expect(snapshotter?: string): void {
    const getReady = async (): Promise<void> => {
      if (await this.#placeFor(snapshotter)?.isWanted()) await this.#threads.expectLayers();
    };
    getReady().catch(() => {
      // It is told when they are there.
    });
  }

  /** Begins to store the blob of a layer, and to make an image of it. Nothing when it is not worth a thread. */
  async begin(
    { digest, snapshotter }: AwaitedLayer,
    blob: Omit<IngestBlobOptions, "image">,
  ): Promise<BlobThread | undefined> {
    const place = this.#placeFor(snapshotter);
    const thread = place && (await this.#beginIn(place, digest, blob));
    if (!thread) this.#pass(digest);
    return thread;
  }

  /** Moves the layer's image to `path`, if there is one. It is the caller's then. */
  async take(digest: Digest, path: string): Promise<AheadImage | undefined> {
    if (this.#passed.delete(digest)) this.#guess = true;
    const made = this.#made.get(digest);
    if (!made) return undefined;
    this.#made.delete(digest);
    clearTimeout(made.timer);
    const image = await made.image;
    if (image) await rename(made.path, path);
    return image;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { timer } of this.#made.values()) clearTimeout(timer);
    for (const { folder } of this.#places.values()) await rm(folder, { recursive: true, force: true });
  }

  #placeFor(snapshotter: string | undefined): AheadPlace | undefined {
    if (snapshotter !== undefined) return this.#places.get(snapshotter);
    return this.#guess ? [...this.#places.values()][0] : undefined;
  }

  async #beginIn(
    { folder, isWanted }: AheadPlace,
    digest: Digest,
    blob: Omit<IngestBlobOptions, "image">,
  ): Promise<BlobThread | undefined> {
    const isThere = (): boolean => this.#coming.has(digest) || this.#made.has(digest);
    if (isThere() || !(await isWanted()) || isThere()) return undefined;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const image = join(folder, hexOf(digest));
    const thread = this.#threads.ingest({ ...blob, image });
    if (!thread) return undefined;
    this.#coming.add(digest);
    const end = async (): Promise<IngestedBlob> => {
      try {
        const ingested = await thread.end();
        // An ingest that ends before it is complete, or is another blob, has no image that anybody could ask for.
        if (ingested.digest === digest) this.#keep(digest, image, ingested.image);
        else await remove(image, ingested.image);
        return ingested;
      } finally {
        this.#coming.delete(digest);
      }
    };
    return { write: (bytes) => thread.write(bytes), end };
  }

  #keep(digest: Digest, path: string, image: Made["image"]): void {
    for (const { timer } of this.#made.values()) timer.refresh();
    const expire = (): void => {
      // The pull goes on: its client waits for all of it.
      if (this.#coming.size > 0) timer.refresh();
      else {
        this.#made.delete(digest);
        this.#guess = false;
        void remove(path, image);
      }
    };
    const timer = setTimeout(expire, this.#keptMs).unref();
    this.#made.set(digest, { path, image, timer });
    void this.#forgetUnlessMade(digest, image);
  }

  async #forgetUnlessMade(digest: Digest, image: Made["image"]): Promise<void> {
    const isMade = (await image) !== undefined;
    const known = this.#made.get(digest);
    if (isMade || known?.image !== image) return;
    clearTimeout(known.timer);
    this.#made.delete(digest);
  }

  #pass(digest: Digest): void {
    this.#passed.delete(digest);
    this.#passed.add(digest);
    const [oldest] = this.#passed;
    if (this.#passed.size > maxPassed && oldest !== undefined) this.#passed.delete(oldest);
  }
}

export const LayersAheadPlugin = onePlugin<LayersAhead>("io.slipway.layers-ahead.v1");

async function remove(path: string, image: Made["image"]): Promise<void> {
  await image;
  await rm(path, { force: true });
}

export const layersAheadPlugin = definePlugin({
  kind: LayersAheadPlugin,
  id: "layers",
  needs: { threads: FileThreadsPlugin },
  parseConfig: () => undefined,
  async start({ threads }) {
    const instance = new LayersAhead(threads);
    return { instance, stop: () => instance[Symbol.asyncDispose]() };
  },
});
