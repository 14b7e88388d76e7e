import {
  type BigIntStats,
  closeSync,
  constants,
  copyFileSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { AT_FDCWD, chmodAt, chownAt } from "@slipway/linux/at";
import { mknod } from "@slipway/linux/mknod";
import { seekData, seekHole } from "@slipway/linux/sparse";
import { isSystemError } from "@slipway/linux/system-call";
import { setTimes } from "@slipway/linux/times";
import { getXattr, listXattrs, setXattr } from "@slipway/linux/xattr";

/**
 * Copies what is in directory `from` into directory `to`: content with its holes (shared with the original where the
 * file system can), hard links among the files, owners, modes, times, extended attributes; the root's attributes, too.
 * Sockets are left out. Synchronous: meant for a thread. Defined by containerd's continuity/fs/copy.go.
 */
export function copyTree(from: string, to: string): void {
  const links = new Map<bigint, Buffer>();
  const copyDirectory = (source: Buffer, target: Buffer, stat: BigIntStats): void => {
    for (const name of readdirSync(source, "buffer")) {
      copy(Buffer.concat([source, slash, name]), Buffer.concat([target, slash, name]));
    }
    copyAttributes(source, target, stat);
  };
  const copy = (source: Buffer, target: Buffer): void => {
    const stat = lstatSync(source, { bigint: true });
    if (stat.isSocket()) return;
    if (stat.isDirectory()) {
      mkdirSync(target);
      copyDirectory(source, target, stat);
      return;
    }
    const known = stat.nlink > 1n ? links.get(stat.ino) : undefined;
    if (known) {
      linkSync(known, target);
      return;
    }
    if (stat.isFile()) copyContent(source, target, stat);
    else if (stat.isSymbolicLink()) symlinkSync(readlinkSync(source, "buffer"), target);
    else mknod(target, Number(stat.mode), stat.rdev);
    if (stat.nlink > 1n) links.set(stat.ino, target);
    copyAttributes(source, target, stat);
  };
  copyDirectory(Buffer.from(from), Buffer.from(to), lstatSync(from, { bigint: true }));
}

const slash = Buffer.from("/");

function copyContent(source: Buffer, target: Buffer, stat: BigIntStats): void {
  if (stat.blocks * 512n >= stat.size) {
    copyFileSync(source, target, constants.COPYFILE_FICLONE);
    return;
  }
  const input = openSync(source, "r");
  const output = openSync(target, "wx");
  try {
    copyRegions(input, output);
    ftruncateSync(output, Number(stat.size));
  } finally {
    closeSync(input);
    closeSync(output);
  }
}

function copyRegions(input: number, output: number): void {
  const buffer = Buffer.allocUnsafe(1 << 16);
  for (let start = seekData(input, 0); start !== undefined;) {
    const end = seekHole(input, start) ?? start;
    for (let at = start; at < end;) {
      const length = readSync(input, buffer, 0, Math.min(buffer.length, end - at), at);
      // It became shorter meanwhile.
      if (length === 0) return;
      for (let done = 0; done < length;) done += writeSync(output, buffer, done, length - done, at + done);
      at += length;
    }
    start = seekData(input, end);
  }
}

function copyAttributes(source: Buffer, target: Buffer, stat: BigIntStats): void {
  chownAt(AT_FDCWD, target, Number(stat.uid), Number(stat.gid));
  for (const name of listXattrs(source)) {
    const value = getXattr(source, name);
    if (value) trySetXattr(target, name, value);
  }
  // After the owner, whose change takes setuid away.
  if (!stat.isSymbolicLink()) chmodAt(AT_FDCWD, target, Number(stat.mode) & 0o7777);
  setTimes(target, { accessedNs: stat.atimeNs, modifiedNs: stat.mtimeNs });
}

// Attributes of the namespace `security` can be forbidden, and a file system may have none: neither spoils the copy.
function trySetXattr(path: Buffer, name: string, value: Buffer): void {
  try {
    setXattr(path, name, value);
  } catch (error) {
    if (!isSystemError(error, "EPERM", "ENOTSUP", "EACCES")) throw error;
  }
}
