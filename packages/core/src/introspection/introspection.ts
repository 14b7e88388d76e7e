import type { Platform } from "@slipway/oci/platform";
import type { Started } from "../plugin.ts";

/** What the daemon says of one of its parts. */
export interface PluginReport {
  /** Such as `io.containerd.snapshotter.v1`. */
  readonly type: string;
  readonly id: string;
  readonly requires: readonly string[];
  readonly platforms: readonly Platform[];
  readonly exports: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
  /** Why it does not run. */
  readonly initError?: Error;
  readonly describe?: Started<unknown>["describe"];
}
