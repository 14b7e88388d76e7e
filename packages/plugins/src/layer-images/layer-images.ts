import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ContentProvider } from "@slipway/core/content";
import type { Logger } from "@slipway/core/plugin";
import type { SnapshotUsage, VerifyOptions } from "@slipway/core/snapshots";
import { isExtractKey } from "@slipway/core/snapshots/extract-key";
import type { Store, Transaction } from "@slipway/core/store";
import { Fault, hasCode, messageOf } from "@slipway/fault/fault";
import { readImage } from "@slipway/layers/erofs/verify";
import { FileThreads } from "@slipway/layers/threads";
import type { Digest } from "@slipway/oci/digest";
import type { SnapshotFolders } from "../snapshot-storage/folder-snapshotter.ts";
import { type SnapshotPlan, SnapshotStorage } from "../snapshot-storage/snapshot-storage.ts";
import type { LayerImageSupport } from "../snapshots-overlay/layer-format.ts";
import { ImageDurability } from "./durability.ts";
import { imageToFiles } from "./image-to-files.ts";
import { ImageMounts } from "./image-mounts.ts";
import { layerDamage } from "./layer-damage.ts";
import { filesIn, hasImage, imageIn, unwantImage, wantImage, workIn } from "./layer-folder.ts";

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
  readonly #repairs = new Map<number, Promise<void>>();
  /** Layers that were damaged when they were read last. */
  readonly #suspects = new Set<number>();
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
    for (const id of store.read((reader) => this.#storage.belowMounted(reader))) {
      try {
        using _ = await this.#hold([id]);
      } catch (error) {
        log.warn("failed to mount a layer image again", { id, error: messageOf(error) });
      }
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
    const damage = layerDamage(folder);
    if (damage !== undefined) throw new Fault("data_loss", `Cannot verify layer ${id}: ${damage}`);
    if (!hasImage(folder)) return undefined;
    const pace = bytesPerSecond === undefined ? {} : { bytesPerSecond };
    try {
      const { diffId } = await this.#checks.verifyImage(imageIn(folder), pace, signal);
      this.#suspects.delete(id);
      return diffId;
    } catch (error) {
      if (hasCode(error, "data_loss")) this.#suspects.add(id);
      throw error;
    }
  }

  /** Before layers are used. A damaged one is made again of its blob. @throws {Fault} `data_loss` if that is not possible */
  async #ensureWhole(id: number): Promise<void> {
    if (this.#mounts.has(id)) return;
    try {
      await this.#durability.whole(id);
    } catch (error) {
      // Its blob may be back by now.
      if (!hasCode(error, "data_loss")) throw error;
      this.#suspects.add(id);
    }
    const damage = layerDamage(this.#folder(id)) ?? (await this.#suspicion(id));
    if (damage === undefined) return;
    let repair = this.#repairs.get(id);
    if (!repair) {
      repair = this.#durability.repair(id, damage).finally(() => this.#repairs.delete(id));
      this.#repairs.set(id, repair);
    }
    await repair;
    this.#suspects.delete(id);
  }

  /** What is wrong with a layer that was not what it should be when it was read last. */
  async #suspicion(id: number): Promise<string | undefined> {
    if (!this.#suspects.has(id)) return undefined;
    try {
      await this.#checks.verifyImage(imageIn(this.#folder(id)));
      return undefined;
    } catch (error) {
      return messageOf(error);
    }
  }

  async #hold(ids: readonly number[]): Promise<Disposable> {
    // The lowest first: a layer may have to be made again upon those below it.
    for (const id of ids.toReversed()) await this.#ensureWhole(id);
    const images = ids.filter((id) => this.#mounts.has(id) || hasImage(this.#folder(id)));
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
    ensureWritable(id, folder);
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

/** What overlayfs writes to. Its scratch directory can be made again, what a container wrote cannot. */
function ensureWritable(id: number, folder: string): void {
  if (!existsSync(filesIn(folder))) {
    const why = `its directory "${filesIn(folder)}" is gone, with all that was written there`;
    throw new Fault(
      "data_loss",
      `Cannot use snapshot ${id}: ${why}: remove it, or the container that it is of`,
    );
  }
  mkdirSync(workIn(folder), { recursive: true, mode: 0o711 });
}
