import { chown, lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Mount } from "@slipway/core/mounts/mount";
import type { SnapshotFolders } from "../snapshot-storage/folder-snapshotter.ts";
import type { SnapshotChain } from "../snapshot-storage/snapshot-storage.ts";

export interface OverlayOptions {
  /** For the overlay mount; bind mounts have none. */
  readonly mountOptions: readonly string[];
  /** Show each snapshot's upper directory as a label. */
  readonly upperdirLabel: boolean;
}

/**
 * How the snapshots of overlayfs look on the disk and stack up: each has its own files in `fs`, which are below of those
 * of its children, and an active one has a `work` folder for the kernel. Mounts are, word for word, those of containerd's
 * plugins/snapshots/overlay.
 */
export function overlayFolders(options: OverlayOptions): SnapshotFolders {
  return {
    async fill(folder, { kind, parentIds: [parent] }, folderOf) {
      const files = upper(folder);
      await mkdir(files, { mode: 0o755 });
      if (kind === "active") await mkdir(join(folder, "work"), { mode: 0o711 });
      // The root of the tree that is mounted is this directory: its owner must stay the owner.
      if (parent === undefined) return;
      const { uid, gid } = await lstat(upper(folderOf(parent)));
      await chown(files, uid, gid);
    },
    content: upper,
    mounts: (chain, folderOf) => overlayMounts(chain, folderOf, options.mountOptions),
    ...(options.upperdirLabel ? { labels: (folder: string) => ({ [upperdirLabel]: upper(folder) }) } : {}),
  };
}

const upperdirLabel = "containerd.io/snapshot/overlay.upperdir";

function upper(folder: string): string {
  return join(folder, "fs");
}

function overlayMounts(
  { id, kind, parentIds }: SnapshotChain,
  folderOf: (id: number) => string,
  mountOptions: readonly string[],
): Mount[] {
  const [parent] = parentIds;
  if (parent === undefined) return [bind(upper(folderOf(id)), kind === "view" ? "ro" : "rw")];
  if (kind === "view" && parentIds.length === 1) return [bind(upper(folderOf(parent)), "ro")];
  const writable =
    kind === "active" ? [`workdir=${join(folderOf(id), "work")}`, `upperdir=${upper(folderOf(id))}`] : [];
  const lower = parentIds.map((each) => upper(folderOf(each))).join(":");
  return [
    { type: "overlay", source: "overlay", options: [...writable, `lowerdir=${lower}`, ...mountOptions] },
  ];
}

function bind(source: string, access: "ro" | "rw"): Mount {
  return { type: "bind", source, options: [access, "rbind"] };
}
