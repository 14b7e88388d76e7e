import { mkdir } from "node:fs/promises";
import { definePlugin } from "@slipway/core/plugin";
import { ContentPlugin } from "@slipway/core/plugin-kinds";
import { LayersAheadPlugin } from "../layers-ahead/layers-ahead.ts";
import { LocalContentStore } from "./store.ts";

/** The daemon's blobs, in files below its root. */
export const contentPlugin = definePlugin({
  kind: ContentPlugin,
  id: "content",
  needs: { layers: LayersAheadPlugin },
  parseConfig: () => undefined,
  async start({ layers }, _config, { rootDir }) {
    await mkdir(rootDir, { recursive: true });
    return { instance: new LocalContentStore(rootDir, undefined, layers), exports: { root: rootDir } };
  },
});
