import { mkdir } from "node:fs/promises";
import { definePlugin } from "@slipway/core/plugin";
import { DiffPlugin, MetadataPlugin } from "@slipway/core/plugin-kinds";
import { hostPlatform } from "@slipway/oci/platform";
import { FileThreadsPlugin } from "../file-threads/file-threads.ts";
import { LayersAheadPlugin } from "../layers-ahead/layers-ahead.ts";
import { applyBlob } from "./apply.ts";
import { compareMounts } from "./compare.ts";
import { unmountLeftovers } from "./mounted.ts";

/** Applies layers to any mounts, and makes layers by walking two trees side by side. */
export const walkingPlugin = definePlugin({
  kind: DiffPlugin,
  id: "walking",
  needs: { metadata: MetadataPlugin, threads: FileThreadsPlugin, ahead: LayersAheadPlugin },
  platforms: [hostPlatform()],
  parseConfig: () => undefined,
  async start({ metadata, threads, ahead }, _config, { stateDir, log }) {
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    await unmountLeftovers(stateDir);
    const parts = { threads, ahead, stateDir, log };
    return {
      instance: {
        scoped(namespace, lease) {
          const { content } = metadata.scoped(lease === undefined ? { namespace } : { namespace, lease });
          return {
            apply: (layer, mounts, options = {}) => applyBlob(content, layer, mounts, options, parts),
            compare: (lower, upper, options = {}) => compareMounts(content, lower, upper, options, parts),
          };
        },
      },
    };
  },
});
