import { fchmodSync, fchownSync, lstatSync } from "node:fs";
import { chmodAt, chownAt } from "@slipway/linux/at";
import { isSystemError } from "@slipway/linux/system-call";
import { setTimes } from "@slipway/linux/times";
import { getXattr, listXattrs, setXattr } from "@slipway/linux/xattr";
import { type ByteName, toPath } from "../bytes-name.ts";
import type { TarEntry } from "../tar/entry.ts";
import { type Directory, procPath } from "./rooted-tree.ts";

export interface Times {
  readonly accessedNs: bigint;
  readonly modifiedNs: bigint;
}

/** Gives `name` owner, extended attributes, mode and times of its entry; `fd` is the open file if it is one. */
export function setAttributes(
  directory: Directory,
  name: ByteName,
  entry: TarEntry,
  options: { readonly fd?: number; readonly onIgnored: (what: string) => void },
): void {
  const { fd } = options;
  const path = toPath(name);
  if (fd === undefined) chownAt(directory.fd, path, entry.uid, entry.gid);
  else fchownSync(fd, entry.uid, entry.gid);
  // After the owner, whose change takes capabilities away.
  for (const [key, value] of entry.xattrs) setAttribute(directory, name, key, value, options.onIgnored);
  // After the owner, whose change takes setuid away.
  if (fd !== undefined) fchmodSync(fd, entry.mode);
  else if (!isSymlink(directory, name, entry)) chmodAt(directory.fd, path, entry.mode);
  setTimes(path, timesOf(entry), directory.fd);
}

/** The entry's times as containerd sets them: access not before modification, neither outside of 1970 to 2262. */
export function timesOf({ modifiedNs, accessedNs }: TarEntry): Times {
  const accessed = accessedNs === undefined || accessedNs < modifiedNs ? modifiedNs : accessedNs;
  return { accessedNs: boundedTime(accessed), modifiedNs: boundedTime(modifiedNs) };
}

const endOfTimeNs = 1n << 63n;

/** Nanoseconds since 1970 as containerd sets them: 0 for what is outside of 1970 to 2262. */
export function boundedTime(time: bigint): bigint {
  return time < 0n || time >= endOfTimeNs ? 0n : time;
}

function isSymlink(directory: Directory, name: ByteName, { type }: TarEntry): boolean {
  // A hard link may be one to a symlink.
  return type === "symlink" || (type === "link" && lstatSync(procPath(directory, name)).isSymbolicLink());
}

function setAttribute(
  directory: Directory,
  name: ByteName,
  key: string,
  value: Uint8Array,
  onIgnored: (what: string) => void,
): void {
  // These are the kernel's own words to itself: a layer that brings some could redirect an overlay.
  if (key.startsWith("trusted.")) return onIgnored(`extended attribute ${key}`);
  try {
    setXattr(procPath(directory, name), key, value);
  } catch (error) {
    const isUser = key.startsWith("user.");
    // Only files and directories can have attributes of users; some file systems have none at all.
    if (!isSystemError(error, "ENOTSUP") && !(isUser && isSystemError(error, "EPERM"))) throw error;
    onIgnored(`extended attribute ${key}`);
  }
  return undefined;
}

/** Gives a directory that the layer leaves out the attributes which it has in a layer below, but for its times. */
export function copyAttributes(from: string, directory: Directory, name: ByteName): Times {
  const { uid, gid, mode, atimeNs, mtimeNs } = lstatSync(from, { bigint: true });
  const path = toPath(name);
  chownAt(directory.fd, path, Number(uid), Number(gid));
  for (const key of listXattrs(from)) {
    const value = key.startsWith("trusted.") ? undefined : getXattr(from, key);
    if (value) setXattr(procPath(directory, name), key, value);
  }
  chmodAt(directory.fd, path, Number(mode) & 0o7777);
  return { accessedNs: atimeNs, modifiedNs: mtimeNs };
}
