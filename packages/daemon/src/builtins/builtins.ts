import type { DaemonConfig } from "../config/config.ts";
import type { Plugin } from "@slipway/core/plugin";

/** The mechanisms that the daemon brings, one a line. Their code is loaded here and nowhere else. */
export async function builtins(_config: DaemonConfig): Promise<Plugin[]> {
  return [];
}
