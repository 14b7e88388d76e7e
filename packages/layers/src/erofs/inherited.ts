import { lstatSync } from "node:fs";
import { getXattr, listXattrs } from "@slipway/linux/xattr";
import { findDirectory } from "../apply/apply.ts";
import type { ByteName } from "../bytes-name.ts";
import type { Attributes } from "./nodes.ts";

/** Tells what a directory has in the layers below, whose own directories are `parents`, topmost first. */
export function inheritedFrom(
  parents: readonly string[],
): (name: ByteName) => Partial<Attributes> | undefined {
  return (name) => {
    const found = findDirectory(parents, name);
    return found === undefined ? undefined : attributesOf(found);
  };
}

function attributesOf(path: string): Partial<Attributes> {
  const { uid, gid, mode, mtimeNs } = lstatSync(path, { bigint: true });
  const xattrs = new Map<string, Uint8Array>();
  for (const name of listXattrs(path)) {
    const value = name.startsWith("trusted.") ? undefined : getXattr(path, name);
    if (value) xattrs.set(name, value);
  }
  return {
    uid: Number(uid),
    gid: Number(gid),
    mode: Number(mode) & 0o7777,
    modifiedNs: mtimeNs < 0n ? 0n : mtimeNs,
    xattrs: xattrs.size === 0 ? undefined : xattrs,
  };
}
