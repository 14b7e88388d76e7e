import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "@slipway/core/plugin";
import type { Snapshotter } from "@slipway/core/snapshots";
import { FileThreads } from "@slipway/layers/threads";
import { SqliteStore } from "../store-sqlite/sqlite-store.ts";
import { FolderSnapshotter, type SnapshotFolders } from "./folder-snapshotter.ts";

const log: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** A snapshotter with a store and threads of its own, which end with it. */
export async function openAlone(
  root: string,
  name: string,
  foldersOf: (threads: FileThreads) => SnapshotFolders,
): Promise<Snapshotter> {
  mkdirSync(root, { recursive: true });
  const store = SqliteStore.open(join(root, "test.db"));
  const threads = new FileThreads();
  const folders = foldersOf(threads);
  const snapshotter = await FolderSnapshotter.open({
    root,
    name,
    store,
    threads,
    folders,
    log,
    removesLater: true,
  });
  let isOpen = true;
  snapshotter[Symbol.asyncDispose] = async () => {
    if (!isOpen) return;
    isOpen = false;
    await threads[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  };
  return snapshotter;
}
