import { lstatSync, readdirSync } from "node:fs";

export interface TreeUsage {
  /** What the blocks take, as du(1) counts: holes take nothing, and what has several names counts once. */
  readonly sizeBytes: number;
  readonly inodes: number;
}

/** What a tree takes on its disk, its root included. Synchronous: meant for a thread. */
export function usageOf(root: string): TreeUsage {
  const linked = new Set<string>();
  let sizeBytes = 0;
  let inodes = 0;
  const add = (path: Buffer): void => {
    // Whoever writes into the tree meanwhile may have removed it.
    const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (!stat) return;
    if (!stat.isDirectory() && stat.nlink > 1n) {
      const inode = `${stat.dev}:${stat.ino}`;
      if (linked.has(inode)) return;
      linked.add(inode);
    }
    sizeBytes += Number(stat.blocks) * 512;
    inodes += 1;
    if (!stat.isDirectory()) return;
    for (const name of readdirSync(path, "buffer")) add(Buffer.concat([path, slash, name]));
  };
  add(Buffer.from(root));
  return { sizeBytes, inodes };
}

const slash = Buffer.from("/");
