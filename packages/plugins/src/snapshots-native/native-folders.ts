import { chmod } from "node:fs/promises";
import type { FileThreads } from "@slipway/layers/threads";
import type { SnapshotFolders } from "../snapshot-storage/folder-snapshotter.ts";

/** Snapshots that are whole copies of their parents. Works on any file system. Mounts are those of containerd's plugins/snapshots/native. */
export function nativeFolders(threads: FileThreads): SnapshotFolders {
  return {
    async fill(folder, { kind, parentIds: [parent] }, folderOf) {
      await chmod(folder, 0o755);
      if (kind === "active" && parent !== undefined) await threads.copy(folderOf(parent), folder);
    },
    content: (folder) => folder,
    mounts({ id, kind, parentIds: [parent] }, folderOf) {
      const access = kind === "view" ? "ro" : "rw";
      const source = folderOf(parent === undefined || kind === "active" ? id : parent);
      return [{ type: "bind", source, options: ["rbind", access] }];
    },
  };
}
