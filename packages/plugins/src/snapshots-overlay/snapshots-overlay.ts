import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { definePlugin } from "@slipway/core/plugin";
import { ContentPlugin, SnapshotterPlugin, StorePlugin } from "@slipway/core/plugin-kinds";
import { hostPlatform } from "@slipway/oci/platform";
import { Fault } from "@slipway/fault/fault";
import { FileThreadsPlugin } from "../file-threads/file-threads.ts";
import { LayerImages } from "../layer-images/layer-images.ts";
import { LayersAheadPlugin } from "../layers-ahead/layers-ahead.ts";
import { FolderSnapshotter } from "../snapshot-storage/folder-snapshotter.ts";
import { checkOverlay, isInUserNamespace, overlayOptions, removeTries } from "./kernel-support.ts";
import { layerFormats, layerImageSupport } from "./layer-format.ts";
import { overlayFolders } from "./overlay-folders.ts";

/** Snapshots that the kernel stacks: containerd's default snapshotter, with the keys of its configuration. */
export const overlayPlugin = definePlugin({
  kind: SnapshotterPlugin,
  id: "overlayfs",
  needs: {
    store: StorePlugin,
    threads: FileThreadsPlugin,
    ahead: LayersAheadPlugin,
    contents: ContentPlugin,
  },
  platforms: [hostPlatform()],
  parseConfig(table) {
    // Remapping is the client's: a layer's owners are never changed here.
    table.ignore("slow_chown");
    return {
      rootPath: table.string("root_path", ""),
      upperdirLabel: table.boolean("upperdir_label", false),
      syncRemove: table.boolean("sync_remove", false),
      mountOptions: table.strings("mount_options"),
      layerFormat: table.oneOf("layer_format", layerFormats, "auto"),
    };
  },
  async start({ store, threads, ahead, contents }, config, { rootDir, log }) {
    const root = config.rootPath || rootDir;
    await mkdir(root, { recursive: true, mode: 0o700 });
    await removeTries(root);
    // Once is enough: a start need not load what mounts.
    if (!existsSync(join(root, "snapshots"))) await checkOverlay(root);
    const mountOptions = overlayOptions(config.mountOptions);
    const content = contents.get("content");
    if (!content) throw new Fault("failed_precondition", "Cannot keep layers without the content store");
    const parts = { root, name: "overlayfs", store, threads, log };
    const support = layerImageSupport(config.layerFormat, { root, mountOptions, log });
    const images = new LayerImages({ ...parts, content, support });
    ahead.offer("overlayfs", { folder: join(root, "ahead"), isWanted: () => support.isWanted() });
    void images.restore();
    const instance = await FolderSnapshotter.open({
      ...parts,
      folders: images.folders(overlayFolders({ ...config, mountOptions })),
      removesLater: !config.syncRemove,
    });
    return {
      instance,
      exports: { root },
      // Whiteouts of a layer that is unpacked before its parent are devices, which a user namespace may not make.
      capabilities: isInUserNamespace() ? [] : ["rebase"],
      stop: () => images[Symbol.asyncDispose](),
    };
  },
});
