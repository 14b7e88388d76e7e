import type { Mount } from "@slipway/core/mounts/mount";

/** Whether any of the mounts is of a kind that no kernel knows: types with a slash, and loop devices. */
export function needsActivation(mounts: readonly Mount[]): boolean {
  return mounts.some(({ type }) => type === "loop" || type.includes("/"));
}
