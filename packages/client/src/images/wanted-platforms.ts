import type { UnpackTarget } from "@slipway/images/fetch-image";
import { hostPlatform, type Platform } from "@slipway/oci/platform";

export interface PlatformOptions {
  /** This machine's unless told, or all that the image has. */
  readonly platforms?: readonly Platform[] | "all";
  /** Unpacks with this snapshotter; `overlayfs` unless told. */
  readonly snapshotter?: string;
  /** Whether to unpack: a single platform unless told, and of all platforms this machine's. */
  readonly unpack?: boolean;
}

/** What a pull brings, and what of it is unpacked. */
export function wantedPlatforms({
  platforms = [hostPlatform()],
  snapshotter = "overlayfs",
  unpack,
}: PlatformOptions): {
  readonly platforms: readonly Platform[];
  readonly manifestLimit: number;
  readonly unpacks: readonly UnpackTarget[];
} {
  const isAll = platforms === "all";
  const isOne = !isAll && platforms.length === 1;
  const runnable = isAll ? [hostPlatform()] : platforms;
  return {
    platforms: isAll ? [] : platforms,
    manifestLimit: isOne ? 1 : 0,
    unpacks: (unpack ?? isOne) ? runnable.map((platform) => ({ platform, snapshotter })) : [],
  };
}
