import { arrangeMounts } from "@slipway/client/arrange-mounts";
import type { MountRequest } from "@slipway/client/mount-request";
import type { RunFlags } from "../flags.ts";
import { mountRequest } from "./mount-flag.ts";
import { sharedMemory } from "./shared-memory.ts";
import { tmpfsRequest } from "./tmpfs-flag.ts";
import { volumeRequest } from "./volume-flag.ts";

export interface FlagMounts {
  readonly requested: readonly MountRequest[];
  /** Replaced by a request at the same place. */
  readonly given: readonly MountRequest[];
}

/**
 * The mounts of the flags; nothing is created for them yet.
 * @throws {Fault} `invalid_argument`
 */
export function flagMounts({
  volume,
  mount,
  tmpfs,
  shmSize,
}: Pick<RunFlags, "volume" | "mount" | "tmpfs" | "shmSize">): FlagMounts {
  const requested = [...volume.map(volumeRequest), ...mount.map(mountRequest), ...tmpfs.map(tmpfsRequest)];
  const given = shmSize === undefined ? [] : [sharedMemory(shmSize)];
  // Before an image is pulled; its symlinks may make two targets one later.
  arrangeMounts({ requested, given, resolve: (target) => target });
  return { requested, given };
}
