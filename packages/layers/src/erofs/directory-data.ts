import type { ByteName } from "../bytes-name.ts";
import { blockBytes, direntBytes } from "./format.ts";
import type { DirectoryNode, LayerNode } from "./nodes.ts";

/** A directory's names, sorted and cut into blocks as they are written. */
export interface DirectoryLayout {
  readonly names: readonly ByteName[];
  /** What each name is of. */
  readonly nodes: readonly LayerNode[];
  /** The index after the last name of each block. */
  readonly blockEnds: readonly number[];
  readonly sizeBytes: number;
  /** Of the directory's inode. */
  readonly links: number;
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
  const nodes: LayerNode[] = [];
  const blockEnds: number[] = [];
  let used = 0;
  let links = 0;
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index] ?? "";
    const node = childOf(directory, name);
    nodes.push(node);
    // With its own two names.
    if (node.type === "directory") links += 1;
    const needed = direntBytes + name.length;
    if (used + needed > blockBytes) {
      blockEnds.push(index);
      used = 0;
    }
    used += needed;
  }
  const sizeBytes = blockEnds.length * blockBytes + used;
  blockEnds.push(names.length);
  return { names, nodes, blockEnds, sizeBytes, links };
}

/** Writes block `index` of a directory to `at`. */
export function writeDirectoryBlock(
  out: Buffer,
  view: DataView,
  at: number,
  { names, nodes, blockEnds }: DirectoryLayout,
  index: number,
  numberOf: (node: LayerNode) => number,
): void {
  const start = index === 0 ? 0 : (blockEnds[index - 1] ?? 0);
  const end = blockEnds[index] ?? 0;
  const namesAt = (end - start) * direntBytes;
  let nameAt = namesAt;
  for (let entry = start; entry < end; entry += 1) {
    const node = nodes[entry];
    if (!node) continue;
    const dirent = at + (entry - start) * direntBytes;
    setNumber64(view, dirent, numberOf(node));
    view.setUint16(dirent + 8, nameAt, true);
    view.setUint8(dirent + 10, types[node.type]);
    nameAt += names[entry]?.length ?? 0;
  }
  out.write(names.slice(start, end).join(""), at + namesAt, "latin1");
}

/** Numbers are below 2^53: no need for a BigInt each. */
export function setNumber64(view: DataView, at: number, number: number): void {
  view.setUint32(at, number % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(number / 2 ** 32), true);
}

function childOf(directory: DirectoryNode, name: ByteName): LayerNode {
  if (name === ".") return directory;
  if (name === "..") return directory.parent;
  return directory.children.get(name) ?? directory;
}
