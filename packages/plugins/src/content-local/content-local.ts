import { mkdir } from "node:fs/promises";
import { definePlugin } from "@slipway/core/plugin";
import { ContentPlugin } from "@slipway/core/plugin-kinds";
import { LocalContentStore } from "./store.ts";

/** The daemon's blobs, in files below its root. */
export const contentPlugin = definePlugin({
  kind: ContentPlugin,
  id: "content",
  needs: {},
  parseConfig: () => undefined,
  async start(_provided, _config, { rootDir }) {
    await mkdir(rootDir, { recursive: true });
    return { instance: new LocalContentStore(rootDir), exports: { root: rootDir } };
  },
});
