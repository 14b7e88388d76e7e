import { snapshotFields } from "@slipway/core/filters/fields";
import { compileFilters } from "@slipway/core/filters/filters";
import type { Labels } from "@slipway/core/labels";
import type { Mount } from "@slipway/core/mounts/mount";
import type {
  CommitSnapshotOptions,
  SnapshotInfo,
  SnapshotKind,
  SnapshotOptions,
  Snapshotter,
} from "@slipway/core/snapshots";
import { Fault } from "@slipway/fault/fault";

/** A snapshotter without files. It has the committed snapshots that `remote` names, as a lazy one would. */
export class MemorySnapshotter implements Snapshotter {
  readonly infos = new Map<string, SnapshotInfo>();
  readonly remote = new Set<string>();

  async stat(key: string): Promise<SnapshotInfo> {
    const info = this.infos.get(key);
    if (!info) throw new Fault("not_found", `snapshot ${key}: not found`);
    return info;
  }

  async update({ name, labels }: Pick<SnapshotInfo, "name" | "labels">): Promise<SnapshotInfo> {
    const updated = { ...(await this.stat(name)), labels };
    this.infos.set(name, updated);
    return updated;
  }

  async usage(key: string): Promise<{ sizeBytes: number; inodes: number }> {
    await this.stat(key);
    return { sizeBytes: 1, inodes: 1 };
  }

  async mounts(key: string): Promise<Mount[]> {
    return [{ type: "bind", source: (await this.stat(key)).name, options: [] }];
  }

  async prepare(key: string, parent: string, { labels = {} }: SnapshotOptions = {}): Promise<Mount[]> {
    const target = labels["containerd.io/snapshot.ref"] ?? "";
    if (this.remote.has(target)) {
      this.#add("committed", `remote/${target}`, parent, labels);
      throw new Fault("already_exists", `target snapshot "${target}": already exists`);
    }
    this.#add("active", key, parent, labels);
    return await this.mounts(key);
  }

  async view(key: string, parent: string, { labels = {} }: SnapshotOptions = {}): Promise<Mount[]> {
    this.#add("view", key, parent, labels);
    return await this.mounts(key);
  }

  async commit(name: string, key: string, options: CommitSnapshotOptions = {}): Promise<void> {
    const { labels = {}, parent: rebased = "" } = options;
    const { parent, kind } = await this.stat(key);
    if (kind !== "active") throw new Fault("failed_precondition", `snapshot ${key} is not active`);
    this.infos.delete(key);
    this.#add("committed", name, parent === "" ? rebased : parent, labels);
  }

  async remove(key: string): Promise<void> {
    await this.stat(key);
    if ([...this.infos.values()].some(({ parent }) => parent === key)) {
      throw new Fault("failed_precondition", "cannot remove snapshot with child");
    }
    this.infos.delete(key);
  }

  async *walk(filters: readonly string[] = []): AsyncGenerator<SnapshotInfo> {
    const matches = compileFilters(filters);
    for (const info of this.infos.values()) if (matches(snapshotFields(info))) yield info;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #add(kind: SnapshotKind, name: string, parent: string, labels: Labels): void {
    if (parent !== "" && this.infos.get(parent)?.kind !== "committed") {
      throw new Fault("invalid_argument", `parent ${parent} is not committed`);
    }
    const now = new Date();
    this.infos.set(name, { kind, name, parent, labels, createdAt: now, updatedAt: now });
  }
}
