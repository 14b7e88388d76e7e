import { randomUUID } from "node:crypto";
import { readdirSync, renameSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { snapshotFields } from "@slipway/core/filters/fields";
import { compileFilters } from "@slipway/core/filters/filters";
import type { Labels } from "@slipway/core/labels";
import type { Mount } from "@slipway/core/mounts/mount";
import type { Logger } from "@slipway/core/plugin";
import type {
  CommitSnapshotOptions,
  SnapshotInfo,
  SnapshotOptions,
  Snapshotter,
  SnapshotUsage,
  VerifyOptions,
} from "@slipway/core/snapshots";
import type { Store, Transaction } from "@slipway/core/store";
import type { Digest } from "@slipway/oci/digest";
import { codeOf, Fault, messageOf, namingPlace } from "@slipway/fault/fault";
import type { FileThreads } from "@slipway/layers/threads";
import {
  type NewSnapshot,
  type SnapshotChain,
  type SnapshotPlan,
  SnapshotStorage,
} from "./snapshot-storage.ts";

/** What a snapshotter does with the folder that each snapshot has, and with nothing else. Ids name folders. */
export interface SnapshotFolders {
  /** Fills the new folder of a snapshot. It gets its final name, which is its id, afterwards. */
  fill(
    folder: string,
    snapshot: SnapshotPlan & { readonly key: string },
    folderOf: (id: number) => string,
  ): Promise<void>;
  /** The part of a snapshot's folder that its own files are in. */
  content(folder: string): string;
  mounts(chain: SnapshotChain, folderOf: (id: number) => string): Mount[];
  /** Labels that every snapshot shows beside its own. */
  labels?(folder: string): Labels;
  /** Makes the files of these layers be there. They stay while the scope lasts, and then while something is above them. */
  hold?(layers: readonly number[]): Promise<Disposable>;
  /** Before the mounts of a snapshot that was made earlier are told. */
  showing?(chain: SnapshotChain): Promise<void>;
  /** What the snapshot itself takes, if that is not what its content's files take. */
  usage?(folder: string): Promise<SnapshotUsage | undefined>;
  /** As Snapshotter.verify(). */
  verify?(id: number, options: VerifyOptions): Promise<Digest | undefined>;
  /** Before a snapshot that was made without a parent is put upon these layers, the nearest first. */
  rebasing?(id: number, parentIds: readonly number[]): Promise<void>;
  /** In the transaction that commits the snapshot. */
  committing?(transaction: Transaction, id: number): void;
  /** Snapshots were committed or removed. */
  changed?(): void;
  /** Before the snapshot's folder is removed. */
  removing?(id: number): Promise<void>;
}

export interface FolderSnapshotterOptions {
  readonly root: string;
  /** Names the snapshotter's collections in the store. */
  readonly name: string;
  readonly store: Store;
  readonly folders: SnapshotFolders;
  readonly threads: FileThreads;
  readonly log: Logger;
  /** Leave files of removed snapshots to cleanup(), which the collector calls. */
  readonly removesLater: boolean;
}

/**
 * A snapshotter that keeps each snapshot in ROOT/snapshots/ID. A folder gets its name inside of the transaction that
 * makes the record, and is removed after the one that removes it: a crash leaves a folder without a record, for
 * cleanup(), and never a record without its folder.
 */
export class FolderSnapshotter implements Snapshotter {
  readonly #options: FolderSnapshotterOptions;
  readonly #storage: SnapshotStorage;
  readonly #snapshots: string;
  // Folders that are being filled.
  readonly #new = new Set<string>();

  private constructor(options: FolderSnapshotterOptions) {
    this.#options = options;
    this.#storage = new SnapshotStorage(options.name);
    this.#snapshots = join(options.root, "snapshots");
  }

  static async open(options: FolderSnapshotterOptions): Promise<FolderSnapshotter> {
    const snapshotter = new FolderSnapshotter(options);
    await mkdir(options.root, { recursive: true, mode: 0o700 });
    await mkdir(snapshotter.#snapshots, { recursive: true, mode: 0o700 });
    return snapshotter;
  }

  async stat(key: string): Promise<SnapshotInfo> {
    const { id, info } = this.#options.store.read((reader) => this.#storage.info(reader, key));
    return this.#labelled(id, info);
  }

  async update(
    { name, labels }: Pick<SnapshotInfo, "name" | "labels">,
    fieldPaths?: readonly string[],
  ): Promise<SnapshotInfo> {
    return await this.#options.store.update((transaction) => {
      const info = this.#storage.update(transaction, name, labels, fieldPaths);
      return this.#labelled(this.#storage.info(transaction, name).id, info);
    });
  }

  async usage(key: string): Promise<SnapshotUsage> {
    const { id, info, usage } = this.#options.store.read((reader) => this.#storage.info(reader, key));
    return info.kind === "active" ? await this.#usageOf(id) : usage;
  }

  async mounts(key: string): Promise<Mount[]> {
    const { store, folders } = this.#options;
    try {
      const chain = store.read((reader) => this.#storage.chain(reader, key));
      using _ = await folders.hold?.(chain.parentIds);
      await folders.showing?.(chain);
      return this.#mounts(chain);
    } catch (error) {
      throw failedTo("get active mount", namingPlace(this.#snapshots, error));
    }
  }

  async prepare(key: string, parent: string, options: SnapshotOptions = {}): Promise<Mount[]> {
    return await this.#create("active", key, parent, options);
  }

  async view(key: string, parent: string, options: SnapshotOptions = {}): Promise<Mount[]> {
    return await this.#create("view", key, parent, options);
  }

  async commit(name: string, key: string, options: CommitSnapshotOptions = {}): Promise<void> {
    const { store, folders } = this.#options;
    const { id, info } = store.read((reader) => this.#storage.info(reader, key));
    const { parent = "", isFollowed = false } = options;
    if (info.parent === "" && parent !== "" && folders.rebasing)
      await folders.rebasing(
        id,
        store.read((reader) => this.#storage.stack(reader, parent)),
      );
    const usage = await this.#usageOf(id);
    try {
      await store.update(
        (transaction) => {
          this.#storage.commit(transaction, { key, name, usage, ...options });
          folders.committing?.(transaction, id);
        },
        { isFollowed: () => isFollowed },
      );
      folders.changed?.();
    } catch (error) {
      throw failedTo("commit snapshot", namingPlace(this.#snapshots, error));
    }
  }

  async remove(key: string): Promise<void> {
    const { id } = await this.#options.store.update((transaction) => this.#storage.remove(transaction, key));
    this.#options.folders.changed?.();
    if (!this.#options.removesLater) await this.#removeFolder(this.#folder(id));
  }

  async *walk(filters?: readonly string[]): AsyncGenerator<SnapshotInfo> {
    const matches = compileFilters(filters);
    // Read at once: the snapshots of one moment, however slowly they are taken.
    const infos = this.#options.store.read((reader) =>
      [...this.#storage.list(reader)].filter(({ info }) => matches(snapshotFields(info))),
    );
    for (const { id, info } of infos) yield this.#labelled(id, info);
  }

  async verify(name: string, options: VerifyOptions = {}): Promise<Digest | undefined> {
    const { store, folders } = this.#options;
    const { id } = store.read((reader) => this.#storage.info(reader, name));
    return await folders.verify?.(id, options);
  }

  async cleanup(): Promise<void> {
    const folders = await this.#options.store.update((transaction) => {
      const kept = new Set([...this.#storage.list(transaction)].map(({ id }) => String(id)));
      return readdirSync(this.#snapshots).filter((name) => !kept.has(name) && !this.#new.has(name));
    });
    for (const name of folders) await this.#removeFolder(join(this.#snapshots, name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The store belongs to the daemon, the threads to who made them.
  }

  async #create(
    kind: "active" | "view",
    key: string,
    parent: string,
    { labels = {}, isFollowed = false }: SnapshotOptions,
  ): Promise<Mount[]> {
    const { store, folders } = this.#options;
    const draft = { kind, key, parent, labels };
    const planned = this.#plan(draft);
    const temporaryName = `new-${randomUUID()}`;
    let folder = join(this.#snapshots, temporaryName);
    // Noted before it is there: cleanup() removes what it does not know.
    this.#new.add(temporaryName);
    try {
      await mkdir(folder, { mode: 0o700 });
      using _ = await folders.hold?.(planned.parentIds);
      await folders.fill(folder, { ...planned, key }, (id) => this.#folder(id));
      const chain = await store.update(
        (transaction) => {
          const created = this.#storage.create(transaction, draft, planned);
          renameSync(folder, this.#folder(created.id));
          folder = this.#folder(created.id);
          return created;
        },
        { isFollowed: () => isFollowed },
      );
      return this.#mounts(chain);
    } catch (error) {
      await this.#removeFolder(folder);
      throw failedTo("create snapshot", namingPlace(this.#snapshots, error));
    } finally {
      this.#new.delete(temporaryName);
    }
  }

  #plan(draft: NewSnapshot): SnapshotPlan {
    try {
      return this.#options.store.read((reader) => this.#storage.plan(reader, draft));
    } catch (error) {
      throw failedTo("create snapshot", error);
    }
  }

  #mounts(chain: SnapshotChain): Mount[] {
    return this.#options.folders.mounts(chain, (id) => this.#folder(id));
  }

  #folder(id: number): string {
    return join(this.#snapshots, String(id));
  }

  async #usageOf(id: number): Promise<SnapshotUsage> {
    const { folders, threads } = this.#options;
    const folder = this.#folder(id);
    return (await folders.usage?.(folder)) ?? (await threads.usage(folders.content(folder)));
  }

  // Failing would help nobody: the snapshot is gone, and cleanup() tries again.
  async #removeFolder(path: string): Promise<void> {
    const { folders, threads } = this.#options;
    try {
      const id = Number(basename(path));
      if (Number.isInteger(id)) await folders.removing?.(id);
      await threads.remove(path);
    } catch (error) {
      this.#options.log.warn("failed to remove directory", { path, error: messageOf(error) });
    }
  }

  #labelled(id: number, info: SnapshotInfo): SnapshotInfo {
    const more = this.#options.folders.labels?.(this.#folder(id));
    return more ? { ...info, labels: { ...info.labels, ...more } } : info;
  }
}

/** In containerd's words. */
function failedTo(what: string, error: unknown): Fault {
  return new Fault(codeOf(error), `failed to ${what}: ${messageOf(error)}`, { cause: error });
}
