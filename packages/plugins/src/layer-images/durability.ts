import { mkdirSync, readFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { ContentProvider } from "@slipway/core/content";
import type { Logger } from "@slipway/core/plugin";
import type { Bucket, Store, Transaction } from "@slipway/core/store";
import { Fault, hasCode, messageOf } from "@slipway/fault/fault";
import { type BlobReader, verifiedBlob } from "@slipway/images/verified-blob";
import type { FileThreads } from "@slipway/layers/threads";
import { isSystemError } from "@slipway/linux/system-call";
import { type Digest, parseDigest } from "@slipway/oci/digest";
import { blobNoteIn, filesIn, hasImage, imageIn, newImageIn } from "./layer-folder.ts";

// The next layer of the image is being written: a journal that has to wait for this one's bytes would hold it up.
const quietMs = 500;

export interface DurabilityParts {
  readonly store: Store;
  /** Names the collection in the store. */
  readonly name: string;
  readonly folderOf: (id: number) => string;
  readonly threads: FileThreads;
  readonly content: ContentProvider & BlobReader;
  readonly log: Logger;
  /** The directories of the layers below the snapshot, topmost first, for as long as the scope lasts. Nothing when it is gone. */
  readonly parentsOf: (
    id: number,
  ) => Promise<({ readonly paths: readonly string[] } & Disposable) | undefined>;
}

/**
 * Lets a layer be used as soon as it is complete, and sees to it that it is durable a moment later. The store has a row
 * for each image that may not be on the disk yet, written with the snapshot's own; a daemon that finds such rows when
 * it starts reads those images again, and makes those anew that a power cut has torn.
 */
export class ImageDurability {
  readonly #parts: DurabilityParts;
  readonly #rows: Bucket<Digest>;
  readonly #checks = new Map<number, Promise<void>>();
  readonly #unsynced = new Set<number>();
  #syncing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: DurabilityParts) {
    this.#parts = parts;
    this.#rows = {
      name: `${parts.name}/images`,
      encode: (blob) => Buffer.from(blob),
      decode: (bytes) => parseDigest(Buffer.from(bytes).toString()),
    };
    const rows = parts.store.read((reader) => [...reader.list(this.#rows)]);
    for (const [id, blob] of rows) this.#begin(Number(id), blob);
  }

  /** In the transaction that commits the snapshot. */
  committing(transaction: Transaction, id: number): void {
    const folder = this.#parts.folderOf(id);
    if (!hasImage(folder)) return;
    transaction.put(this.#rows, String(id), parseDigest(readFileSync(blobNoteIn(folder), "utf8")));
    this.#unsynced.add(id);
  }

  /** Soon makes durable what was committed, in the background. */
  sync(): void {
    if (this.#unsynced.size === 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#syncing ??= this.#syncAll();
    }, quietMs).unref();
  }

  /** Resolves when the image is known to be whole. @throws {Fault} `data_loss` */
  async whole(id: number): Promise<void> {
    await this.#checks.get(id);
  }

  /**
   * Makes a layer again that was found to be damaged. What is made is durable a moment later, as any other.
   * @throws {Fault} `data_loss` if there is nothing that it could be made of
   */
  async repair(id: number, damage: string): Promise<void> {
    let blob;
    try {
      blob = parseDigest(readFileSync(blobNoteIn(this.#parts.folderOf(id)), "utf8"));
    } catch {
      const way = "remove its image and pull it again";
      throw new Fault("data_loss", `Cannot use layer ${id}: ${damage}: ${way}`);
    }
    this.#parts.log.warn("a layer is damaged: it is made again", { id, blob, damage });
    await this.#makeAgain(id, blob, damage);
    this.#checks.delete(id);
    this.#unsynced.add(id);
    await this.#parts.store.update((transaction) => transaction.put(this.#rows, String(id), blob));
    this.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#checks.values());
    clearTimeout(this.#timer);
    await (this.#syncing ?? this.#syncAll());
  }

  #begin(id: number, blob: Digest): void {
    const check = this.#check(id, blob);
    this.#checks.set(id, check);
    void this.#settle(id, blob, check);
  }

  async #settle(id: number, blob: Digest, check: Promise<void>): Promise<void> {
    try {
      await check;
    } catch (error) {
      // The check stays, for those who ask for the layer.
      return this.#parts.log.error("lost a layer", { id, blob, error: messageOf(error) });
    }
    this.#checks.delete(id);
    this.#unsynced.add(id);
    return this.sync();
  }

  async #check(id: number, blob: Digest): Promise<void> {
    const { folderOf, threads, log } = this.#parts;
    try {
      await threads.verifyImage(imageIn(folderOf(id)));
    } catch (error) {
      if (!hasCode(error, "data_loss") && !isMissing(error)) throw error;
      log.warn("a layer image was torn: it is made again", { id, blob, error: messageOf(error) });
      await this.#makeAgain(id, blob, "its image was torn");
    }
  }

  async #makeAgain(id: number, blob: Digest, damage: string): Promise<void> {
    const { folderOf, threads, content, parentsOf } = this.#parts;
    using parents = await parentsOf(id);
    // It was removed, and only its files are left.
    if (!parents) return;
    const folder = folderOf(id);
    mkdirSync(filesIn(folder), { recursive: true, mode: 0o755 });
    try {
      const options = { root: filesIn(folder), parents: parents.paths };
      await threads.unpackImage(verifiedBlob(content, blob), newImageIn(folder), options);
      await rename(newImageIn(folder), imageIn(folder));
    } catch (error) {
      const what = `Cannot use layer ${id}: ${damage}, and cannot be made again from blob ${blob}`;
      const text = messageOf(error);
      const way = text.includes("pull its image again") ? "" : ": pull its image again";
      throw new Fault("data_loss", `${what}: ${text}${way}`, { cause: error });
    }
  }

  async #syncAll(): Promise<void> {
    const { store, folderOf, log } = this.#parts;
    while (this.#unsynced.size > 0) {
      const ids = [...this.#unsynced];
      this.#unsynced.clear();
      try {
        for (const id of ids) await syncImage(folderOf(id));
        await store.update((transaction) => {
          for (const id of ids) transaction.delete(this.#rows, String(id));
        });
      } catch (error) {
        // The rows stay: the next start tries again.
        log.error("failed to make layer images durable", { ids, error: messageOf(error) });
      }
    }
    this.#syncing = undefined;
  }
}

/** The image, and the names that lead to it. */
async function syncImage(folder: string): Promise<void> {
  for (const path of [imageIn(folder), folder, dirname(folder)]) {
    try {
      await using file = await open(path, "r");
      await file.sync();
    } catch (error) {
      // Removed meanwhile.
      if (!isMissing(error)) throw error;
    }
  }
}

// An error that comes from a thread has lost its code.
function isMissing(error: unknown): boolean {
  return isSystemError(error, "ENOENT") || messageOf(error).startsWith("ENOENT");
}
