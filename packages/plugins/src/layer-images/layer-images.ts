import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ContentProvider } from "@slipway/core/content";
import type { Logger } from "@slipway/core/plugin";
import type { SnapshotUsage, VerifyOptions } from "@slipway/core/snapshots";
import { isExtractKey } from "@slipway/core/snapshots/extract-key";
import type { Store, Transaction } from "@slipway/core/store";
import { Fault } from "@slipway/fault/fault";
import { readImage } from "@slipway/layers/erofs/verify";
import { FileThreads } from "@slipway/layers/threads";
import type { Digest } from "@slipway/oci/digest";
import type { SnapshotFolders } from "../snapshot-storage/folder-snapshotter.ts";
import { type SnapshotPlan, SnapshotStorage } from "../snapshot-storage/snapshot-storage.ts";
import type { LayerImageSupport } from "../snapshots-overlay/layer-format.ts";
import { ImageDurability } from "./durability.ts";
import { imageToFiles } from "./image-to-files.ts";
import { ImageMounts } from "./image-mounts.ts";
import { blobNoteIn, filesIn, hasImage, imageIn, unwantImage, wantImage } from "./layer-folder.ts";

export interface LayerImagesParts {
  readonly root: string;
  /** The snapshotter's, which names its collections in the store. */
  readonly name: string;
  readonly store: Store;
  readonly threads: FileThreads;
  readonly content: ContentProvider;
  readonly log: Logger;
  readonly support: LayerImageSupport;
}

/** Layers of a snapshotter that are images instead of directories: see layer-folder.ts. */
export class LayerImages implements AsyncDisposable {
  readonly #parts: LayerImagesParts;
  readonly #storage: SnapshotStorage;
  readonly #mounts: ImageMounts;
  readonly #durability: ImageDurability;
  readonly #givenUp = new Map<number, Promise<void>>();
  // Slow reading for a check must not keep a thread from who unpacks.
  readonly #checks = new FileThreads();

  constructor(parts: LayerImagesParts) {
    const { store, name, log } = parts;
    this.#parts = parts;
    this.#storage = new SnapshotStorage(name);
    const folderOf = (id: number): string => this.#folder(id);
    const needed = (): ReadonlySet<number> => store.read((reader) => this.#storage.belowMounted(reader));
    this.#mounts = new ImageMounts(folderOf, needed, log);
    const parentsOf = async (id: number) => {
      const parentIds = store.read((reader) => this.#storage.parentsOf(reader, id));
      if (!parentIds) return undefined;
      const held = await this.#hold(parentIds);
      return {
        paths: parentIds.map((each) => filesIn(folderOf(each))),
        [Symbol.dispose]: () => held[Symbol.dispose](),
      };
    };
    this.#durability = new ImageDurability({ ...parts, name: `snapshots/${name}`, folderOf, parentsOf });
  }

  /** Mounts again what was mounted before a reboot: clients may have kept the mounts that they were told. */
  async restore(): Promise<void> {
    const { store, log } = this.#parts;
    try {
      using _ = await this.#hold([...store.read((reader) => this.#storage.belowMounted(reader))]);
    } catch (error) {
      log.warn("failed to mount layer images again", { error: String(error) });
    }
  }

  /** The same folders, with images among them. */
  folders(base: SnapshotFolders): SnapshotFolders {
    return {
      ...base,
      fill: async (folder, plan, folderOf) => {
        await base.fill(folder, plan, folderOf);
        const isExtract = plan.kind === "active" && isExtractKey(plan.key);
        if (isExtract && (await this.#parts.support.isWanted())) await wantImage(folder);
      },
      hold: (parentIds) => this.#hold(parentIds),
      verify: (id, options) => this.#verify(id, options),
      showing: (chain) => this.#showFiles(chain.id, chain),
      usage: (folder) => usageOf(folder),
      rebasing: (id, parentIds) => this.#rebase(id, parentIds),
      committing: (transaction: Transaction, id) => this.#durability.committing(transaction, id),
      changed: () => {
        this.#durability.sync();
        this.#mounts.sweepLater();
      },
      removing: (id) => this.#mounts.unmount(id),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#checks[Symbol.asyncDispose]();
    await this.#durability[Symbol.asyncDispose]();
    await this.#mounts[Symbol.asyncDispose]();
  }

  /** Whether the image is what was written. Where there are files instead, nobody can tell. */
  async #verify(id: number, { bytesPerSecond, signal }: VerifyOptions): Promise<Digest | undefined> {
    const folder = this.#folder(id);
    await this.#durability.whole(id);
    if (!hasImage(folder)) {
      if (!existsSync(blobNoteIn(folder))) return undefined;
      throw new Fault("data_loss", `Cannot verify layer ${id}: its image "${imageIn(folder)}" is gone`);
    }
    const pace = bytesPerSecond === undefined ? {} : { bytesPerSecond };
    const { diffId } = await this.#checks.verifyImage(imageIn(folder), pace, signal);
    return diffId;
  }

  async #hold(ids: readonly number[]): Promise<Disposable> {
    const images = ids.filter(
      (id) => this.#mounts.has(id) || this.#durability.isChecking(id) || hasImage(this.#folder(id)),
    );
    for (const id of images) await this.#durability.whole(id);
    try {
      return await this.#mounts.hold(images);
    } catch (error) {
      const why = await this.#parts.support.whyNot();
      if (why === undefined) throw error;
      await this.#giveUpImages(images, why);
      return await this.#mounts.hold(images.filter((id) => this.#mounts.has(id)));
    }
  }

  /** They were made where the kernel, or another one, could mount them. */
  async #giveUpImages(ids: readonly number[], why: string): Promise<void> {
    for (const id of ids) {
      if (this.#mounts.has(id)) continue;
      let given = this.#givenUp.get(id);
      if (!given) {
        this.#parts.log.warn("a layer image cannot be mounted any more: it becomes files", { id, why });
        given = imageToFiles(this.#folder(id), this.#parts.threads, { sync: true });
        this.#givenUp.set(id, given);
      }
      await given;
    }
  }

  async #rebase(id: number, parentIds: readonly number[]): Promise<void> {
    const folder = this.#folder(id);
    const { guessesDirectories, inheritDirectories } = await import("./rebase.ts");
    if (!guessesDirectories(folder)) return;
    using _ = await this.#hold(parentIds);
    const parents = parentIds.map((each) => filesIn(this.#folder(each)));
    await inheritDirectories(folder, parents, this.#parts.threads);
  }

  /** Somebody is going to mount the snapshot for writing: what is an image becomes files. */
  async #showFiles(id: number, { kind }: SnapshotPlan): Promise<void> {
    const folder = this.#folder(id);
    if (kind !== "active") return;
    await unwantImage(folder);
    await imageToFiles(folder, this.#parts.threads);
  }

  #folder(id: number): string {
    return join(this.#parts.root, "snapshots", String(id));
  }
}

/** Of the layer's files, however they are stored. */
async function usageOf(folder: string): Promise<SnapshotUsage | undefined> {
  const stat = statSync(imageIn(folder), { throwIfNoEntry: false });
  if (!stat) return undefined;
  const { filesBytes, inodes } = readImage(imageIn(folder));
  return { sizeBytes: filesBytes || stat.blocks * 512, inodes };
}
