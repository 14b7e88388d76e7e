import {
  type Info as InfoMessage,
  Kind,
  Snapshots,
} from "@slipway/api/containerd/services/snapshots/v1/snapshots_pb";
import type { Mount } from "@slipway/core/mounts/mount";
import type {
  CommitSnapshotOptions,
  SnapshotInfo,
  SnapshotOptions,
  Snapshotter,
  SnapshotUsage,
} from "@slipway/core/snapshots";
import type { Calls } from "../connect/calls.ts";
import { fromMounts, maskOf, required, toDate } from "../connect/messages.ts";

/** One of the daemon's snapshotters, as one namespace sees it. */
export class RemoteSnapshotter implements Snapshotter {
  readonly #calls: Calls;
  readonly #name: string;

  constructor(calls: Calls, name: string) {
    this.#calls = calls;
    this.#name = name;
  }

  async stat(key: string): Promise<SnapshotInfo> {
    const { info } = await this.#calls.unary(Snapshots.method.stat, { snapshotter: this.#name, key });
    return fromMessage(required(info, "info"));
  }

  async update(
    { name, labels }: Pick<SnapshotInfo, "name" | "labels">,
    fieldPaths?: readonly string[],
  ): Promise<SnapshotInfo> {
    const request = {
      snapshotter: this.#name,
      info: { name, labels: { ...labels } },
      ...maskOf(fieldPaths),
    };
    return fromMessage(required((await this.#calls.unary(Snapshots.method.update, request)).info, "info"));
  }

  async usage(key: string): Promise<SnapshotUsage> {
    const usage = await this.#calls.unary(Snapshots.method.usage, { snapshotter: this.#name, key });
    return { sizeBytes: Number(usage.size), inodes: Number(usage.inodes) };
  }

  async mounts(key: string): Promise<Mount[]> {
    return fromMounts(
      (await this.#calls.unary(Snapshots.method.mounts, { snapshotter: this.#name, key })).mounts,
    );
  }

  async prepare(key: string, parent: string, { labels = {} }: SnapshotOptions = {}): Promise<Mount[]> {
    const request = { snapshotter: this.#name, key, parent, labels: { ...labels } };
    return fromMounts((await this.#calls.unary(Snapshots.method.prepare, request)).mounts);
  }

  async view(key: string, parent: string, { labels = {} }: SnapshotOptions = {}): Promise<Mount[]> {
    const request = { snapshotter: this.#name, key, parent, labels: { ...labels } };
    return fromMounts((await this.#calls.unary(Snapshots.method.view, request)).mounts);
  }

  async commit(
    name: string,
    key: string,
    { labels = {}, parent = "" }: CommitSnapshotOptions = {},
  ): Promise<void> {
    const request = { snapshotter: this.#name, name, key, labels: { ...labels }, parent };
    await this.#calls.unary(Snapshots.method.commit, request);
  }

  async remove(key: string): Promise<void> {
    await this.#calls.unary(Snapshots.method.remove, { snapshotter: this.#name, key });
  }

  async *walk(filters: readonly string[] = []): AsyncGenerator<SnapshotInfo> {
    const request = { snapshotter: this.#name, filters: [...filters] };
    for await (const { info } of this.#calls.serverStream(Snapshots.method.list, request)) {
      yield* info.map(fromMessage);
    }
  }

  /** All that `walk` gives, at once. */
  async list(filters: readonly string[] = []): Promise<SnapshotInfo[]> {
    return await Array.fromAsync(this.walk(filters));
  }

  async cleanup(): Promise<void> {
    await this.#calls.unary(Snapshots.method.cleanup, { snapshotter: this.#name });
  }

  /** Nothing to give back: the connection is the client's. */
  async [Symbol.asyncDispose](): Promise<void> {}
}

function fromMessage(info: InfoMessage): SnapshotInfo {
  return {
    kind: info.kind === Kind.VIEW ? "view" : info.kind === Kind.ACTIVE ? "active" : "committed",
    name: info.name,
    parent: info.parent,
    labels: info.labels,
    createdAt: toDate(info.createdAt),
    updatedAt: toDate(info.updatedAt),
  };
}
