import { type BigIntStats, closeSync, openSync, readlinkSync, readSync } from "node:fs";
import { getXattr } from "@slipway/linux/xattr";
import type { ByteName } from "../bytes-name.ts";

/**
 * Whether two files are the same to a layer: type, mode, owner, device, capabilities; of all but directories size and
 * time as well. Where neither time has a fraction it may have been cut off by an archive: then content decides.
 * Defined by containerd's continuity/fs/path.go.
 */
export function isSameFile(aPath: ByteName, a: BigIntStats, bPath: ByteName, b: BigIntStats): boolean {
  if (a.dev === b.dev && a.ino === b.ino) return true;
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.rdev !== b.rdev) return false;
  const [aFile, bFile] = [Buffer.from(aPath, "latin1"), Buffer.from(bPath, "latin1")];
  if (!isSame(capabilities(aFile), capabilities(bFile))) return false;
  if (a.isDirectory()) return true;
  if (a.size !== b.size || a.mtimeNs !== b.mtimeNs) return false;
  if (a.mtimeNs % 1_000_000_000n !== 0n || a.size === 0n) return true;
  if (a.isSymbolicLink()) return isSame(readlinkSync(aFile, "buffer"), readlinkSync(bFile, "buffer"));
  return !a.isFile() || hasSameContent(aFile, bFile);
}

function capabilities(path: Buffer): Buffer {
  return getXattr(path, "security.capability") ?? Buffer.alloc(0);
}

function isSame(a: Buffer, b: Buffer): boolean {
  return a.equals(b);
}

function hasSameContent(aPath: Buffer, bPath: Buffer): boolean {
  const chunk = 1 << 16;
  const [a, b] = [Buffer.allocUnsafe(chunk), Buffer.allocUnsafe(chunk)];
  const [aFd, bFd] = [openSync(aPath, "r"), openSync(bPath, "r")];
  try {
    for (;;) {
      const [aLength, bLength] = [readSync(aFd, a, 0, chunk, null), readSync(bFd, b, 0, chunk, null)];
      if (aLength !== bLength || !a.subarray(0, aLength).equals(b.subarray(0, bLength))) return false;
      if (aLength === 0) return true;
    }
  } finally {
    closeSync(aFd);
    closeSync(bFd);
  }
}
