import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { definePlugin } from "@slipway/core/plugin";
import { StorePlugin } from "@slipway/core/plugin-kinds";
import { whyNotEmpty } from "./named-files.ts";
import { SqliteStore } from "./sqlite-store.ts";

/** The daemon's store, in ROOT/io.slipway.store.v1.sqlite/slipway.db. */
export const sqliteStorePlugin = definePlugin({
  kind: StorePlugin,
  id: "sqlite",
  needs: {},
  // Whoever works without it takes all that has a name for garbage.
  isEssential: true,
  parseConfig: () => undefined,
  async start(_provided, _config, { rootDir }) {
    await mkdir(rootDir, { recursive: true, mode: 0o700 });
    const path = join(rootDir, "slipway.db");
    const store = SqliteStore.open(path, () => whyNotEmpty(dirname(rootDir)));
    return { instance: store, exports: { path }, stop: () => store[Symbol.asyncDispose]() };
  },
});
