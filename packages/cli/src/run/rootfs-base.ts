import { existsSync } from "node:fs";
import type { Client } from "@slipway/client/client";
import { type MountedRootfs, mountReadOnly } from "@slipway/client/mounted";
import { overlayMounts, parseRootfs, removeOverlay } from "@slipway/client/rootfs-folder";
import type { Mount } from "@slipway/core/mounts/mount";
import { Fault } from "@slipway/fault/fault";
import type { ImageConfig } from "@slipway/oci/image";
import type { Globals } from "../cli.ts";
import type { ReadyImage } from "../images/ensure-image.ts";

/** What a container's files come from. */
export interface Base {
  /** Empty without one. */
  readonly image: string;
  readonly config?: ImageConfig;
  /** Empty without a snapshot. */
  readonly snapshotter: string;
  readonly rootfs: readonly Mount[];
  readonly rootfsPath?: string;
  /** Undoes it if the container cannot be created. */
  undo(): Promise<void>;
}

/** A snapshot of an image. */
export async function imageBase(
  client: Client,
  globals: Globals,
  id: string,
  { name, config, chainId }: ReadyImage,
): Promise<Base> {
  const snapshots = client.snapshotter(globals.snapshotter);
  const rootfs = await snapshots.prepare(id, chainId);
  return { image: name, config, snapshotter: globals.snapshotter, rootfs, undo: () => snapshots.remove(id) };
}

/** A directory of this machine: `PATH` or `PATH:O`. @throws {Fault} `not_found` */
export function folderBase(id: string, text: string): Base {
  const { path, overlay } = parseRootfs(text);
  if (!existsSync(path))
    throw new Fault("not_found", `Cannot use rootfs "${path}": there is no such directory`);
  if (!overlay) return { image: "", snapshotter: "", rootfs: [], rootfsPath: path, undo: async () => {} };
  const rootfs = overlayMounts(id, path);
  return { image: "", snapshotter: "", rootfs, undo: async () => removeOverlay(id) };
}

/** Where the files can be looked at until the scope is left. */
export function mountedBase({ rootfs, rootfsPath }: Base): MountedRootfs {
  return rootfsPath === undefined ? mountReadOnly(rootfs) : { path: rootfsPath, [Symbol.dispose]: () => {} };
}
