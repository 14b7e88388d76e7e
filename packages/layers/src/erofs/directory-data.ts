import type { ByteName } from "../bytes-name.ts";
import { blockBytes, direntBytes } from "./format.ts";
import type { DirectoryNode, LayerNode } from "./nodes.ts";

/** A directory's names, sorted and cut into blocks as they are written. */
export interface DirectoryLayout {
  readonly names: readonly ByteName[];
  /** The index after the last name of each block. */
  readonly blockEnds: readonly number[];
  readonly sizeBytes: number;
}

const types: Readonly<Record<LayerNode["type"], number>> = {
  file: 1,
  directory: 2,
  character: 3,
  block: 4,
  fifo: 5,
  symlink: 7,
};

export function layOut(directory: DirectoryNode): DirectoryLayout {
  // One character is one byte: this is the order of bytes that the kernel searches in.
  const names = [".", "..", ...directory.children.keys()].sort();
  const blockEnds: number[] = [];
  let used = 0;
  for (const [index, name] of names.entries()) {
    const needed = direntBytes + name.length;
    if (used + needed > blockBytes) {
      blockEnds.push(index);
      used = 0;
    }
    used += needed;
  }
  const sizeBytes = blockEnds.length * blockBytes + used;
  blockEnds.push(names.length);
  return { names, blockEnds, sizeBytes };
}

/** Writes block `index` of a directory to `at`. */
export function writeDirectoryBlock(
  out: Buffer,
  at: number,
  directory: DirectoryNode,
  { names, blockEnds }: DirectoryLayout,
  index: number,
  numberOf: (node: LayerNode) => number,
): void {
  const start = index === 0 ? 0 : (blockEnds[index - 1] ?? 0);
  const end = blockEnds[index] ?? 0;
  let nameAt = (end - start) * direntBytes;
  for (let entry = start; entry < end; entry += 1) {
    const name = names[entry] ?? "";
    const node = childOf(directory, name);
    const dirent = at + (entry - start) * direntBytes;
    // Numbers are below 2^53: no need for a BigInt each.
    const number = numberOf(node);
    out.writeUInt32LE(number % 2 ** 32, dirent);
    out.writeUInt32LE(Math.floor(number / 2 ** 32), dirent + 4);
    out.writeUInt16LE(nameAt, dirent + 8);
    out[dirent + 10] = types[node.type];
    out.write(name, at + nameAt, "latin1");
    nameAt += name.length;
  }
}

function childOf(directory: DirectoryNode, name: ByteName): LayerNode {
  if (name === ".") return directory;
  if (name === "..") return directory.parent;
  return directory.children.get(name) ?? directory;
}
