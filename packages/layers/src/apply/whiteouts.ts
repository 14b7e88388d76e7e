import { readdirSync } from "node:fs";
import { chownAt } from "@slipway/linux/at";
import { mknodAt, S_IF } from "@slipway/linux/mknod";
import { isSystemError } from "@slipway/linux/system-call";
import { setXattr } from "@slipway/linux/xattr";
import { type ByteName, toPath } from "../bytes-name.ts";
import { type Directory, procPath, type RootedTree } from "./rooted-tree.ts";

/*
 * How a layer says that something of the layers below is gone: https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts
 * A whiteout never touches what its own layer brings.
 */

export const whiteoutPrefix = ".wh.";
export const opaqueMarker = ".wh..wh..opq";

/** Carries whiteouts out. */
export interface Whiteouts {
  /** `name` of the layers below is gone. */
  remove(directory: Directory, name: ByteName, owner: { readonly uid: number; readonly gid: number }): void;
  /** All that layers below have in the directory is gone. */
  clear(directory: Directory): void;
}

/** For a layer that is stacked by overlayfs: https://docs.kernel.org/filesystems/overlayfs.html#whiteouts-and-opaque-directories */
export function overlayWhiteouts(tree: RootedTree): Whiteouts {
  return {
    remove(directory, name, { uid, gid }) {
      try {
        mknodAt(directory.fd, toPath(name), S_IF.CHR, 0);
      } catch (error) {
        if (!isSystemError(error, "EEXIST")) throw error;
        // What is there hides what was below, a directory only when it is opaque.
        if (tree.stat(directory, name)?.isDirectory()) setOpaque(procPath(directory, name));
        return;
      }
      chownAt(directory.fd, toPath(name), uid, gid);
    },
    clear(directory) {
      setOpaque(procPath(directory, ""));
    },
  };
}

/** For a layer that is applied onto a tree with all that is below. */
export function deletingWhiteouts(tree: RootedTree, isOwn: (path: ByteName) => boolean): Whiteouts {
  const remove = (directory: Directory, name: ByteName): void => {
    const stat = tree.stat(directory, name);
    if (!stat) return;
    const path = joinName(directory.path, name);
    if (!isOwn(path)) tree.remove(directory, name, stat);
    else if (stat.isDirectory()) clear(tree.directory(path));
  };
  const clear = (directory: Directory): void => {
    for (const name of readdirSync(procPath(directory, ""), "latin1"))
      remove(tree.directory(directory.path), name);
  };
  return { remove, clear };
}

/** The path of `name` in a directory whose path is empty for the root. */
export function joinName(directory: ByteName, name: ByteName): ByteName {
  return directory === "" ? name : `${directory}/${name}`;
}

function setOpaque(path: Buffer): void {
  setXattr(path, "trusted.overlay.opaque", Buffer.from("y"));
}
