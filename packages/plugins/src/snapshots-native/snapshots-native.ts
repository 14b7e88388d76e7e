import { definePlugin } from "@slipway/core/plugin";
import { SnapshotterPlugin, StorePlugin } from "@slipway/core/plugin-kinds";
import { hostPlatform } from "@slipway/oci/platform";
import { FileThreadsPlugin } from "../file-threads/file-threads.ts";
import { FolderSnapshotter } from "../snapshot-storage/folder-snapshotter.ts";
import { nativeFolders } from "./native-folders.ts";

/** Snapshots that are copies, for file systems that overlays cannot be put on. */
export const nativePlugin = definePlugin({
  kind: SnapshotterPlugin,
  id: "native",
  needs: { store: StorePlugin, threads: FileThreadsPlugin },
  platforms: [hostPlatform()],
  parseConfig: (table) => ({ rootPath: table.string("root_path", "") }),
  async start({ store, threads }, config, { rootDir, log }) {
    const root = config.rootPath || rootDir;
    const folders = nativeFolders(threads);
    const options = { root, name: "native", store, threads, log, folders, removesLater: false };
    const instance = await FolderSnapshotter.open(options);
    return { instance, exports: { root } };
  },
});
