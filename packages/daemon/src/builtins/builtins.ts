import type { Plugin } from "@slipway/core/plugin";
import { contentPlugin } from "@slipway/plugins/content-local";
import { exchangePlugin } from "@slipway/plugins/events";
import { gcPlugin } from "@slipway/plugins/gc";
import { metadataPlugin } from "@slipway/plugins/metadata";
import { sqliteStorePlugin } from "@slipway/plugins/store-sqlite";
import type { DaemonConfig } from "../config/config.ts";

/** The mechanisms that the daemon brings, one a line. Their code is loaded here and nowhere else. */
export async function builtins(_config: DaemonConfig): Promise<Plugin[]> {
  return [exchangePlugin, sqliteStorePlugin, contentPlugin, metadataPlugin, gcPlugin];
}
