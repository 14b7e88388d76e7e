import { padded } from "../tar/entry.ts";
import { type ChunkTable, cutIntoChunks } from "./chunks.ts";
import { type DirectoryLayout, layOut } from "./directory-data.ts";
import { blockBytes, DATA, inodeBytes, slotBytes } from "./format.ts";
import type { DirectoryNode, LayerNode } from "./nodes.ts";
import { noXattrs, XattrTable } from "./xattrs.ts";

/** A node, and where in the metadata it goes. Offsets are in bytes. */
export interface Placed {
  readonly node: LayerNode;
  offset: number;
  readonly xattrs: Buffer;
  /** Of the inode with its extended attributes: then comes what is inline. */
  readonly bodyBytes: number;
  readonly form: (typeof DATA)[keyof typeof DATA];
  readonly inlineBytes: number;
  readonly sizeBytes: number;
  /** Whole blocks of a directory or a symlink. */
  dataOffset: number | undefined;
  readonly layout: DirectoryLayout | undefined;
  readonly chunks: ChunkTable | undefined;
}

/** A tree with a place for each of its nodes: a node's index says which is its own. */
export interface PlacedTree {
  readonly inodes: readonly Placed[];
  /** Those whose data is in chunks. */
  readonly chunked: readonly Placed[];
  readonly xattrTable: Buffer;
  readonly xattrOffset: number;
  readonly totalBytes: number;
}

/** Gives each node of the tree its place: inodes, a directory's beside each other, then blocks of data, then shared attributes. */
export function place(root: DirectoryNode): PlacedTree {
  const { nodes, layouts } = new TreeOrder(root);
  const xattrs = new XattrTable();
  for (const node of nodes) if (node.xattrs) xattrs.count(node.xattrs);
  const inodes: Placed[] = [];
  // An inode of number 0 would be a name that readdir(3) leaves out.
  let end = 2 * slotBytes;
  for (let index = 0; index < nodes.length; index += 1) {
    const node = nodes[index]!;
    node.index = index;
    const placed = unplaced(node, node.xattrs ? xattrs.encode(node.xattrs) : noXattrs, layouts[index]);
    // Neither an inode nor what is inline may cross a block's border.
    const together = placed.form === DATA.INLINE ? placed.bodyBytes + placed.inlineBytes : inodeBytes;
    if ((end % blockBytes) + together > blockBytes) end = padded(end);
    placed.offset = end;
    inodes.push(placed);
    end = Math.ceil((end + placed.bodyBytes + placed.inlineBytes) / slotBytes) * slotBytes;
  }
  end = padded(end);
  for (const placed of inodes) {
    const bytes = wholeBlockBytes(placed);
    if (bytes === 0) continue;
    placed.dataOffset = end;
    end += padded(bytes);
  }
  const xattrTable = xattrs.table;
  const totalBytes = padded(end + xattrTable.length);
  return { inodes, chunked: inodes.filter(({ chunks }) => chunks), xattrTable, xattrOffset: end, totalBytes };
}

/** Each node once, a directory's own files before what is in the directories below; and the directories' layouts. */
class TreeOrder {
  readonly nodes: LayerNode[] = [];
  readonly layouts: (DirectoryLayout | undefined)[] = [];
  /** Those with several names that have come. */
  readonly #linked = new Set<LayerNode>();

  constructor(root: DirectoryNode) {
    const left: DirectoryNode[] = [root];
    for (let directory = left.pop(); directory; directory = left.pop()) this.#add(directory, left);
  }

  #add(directory: DirectoryNode, left: DirectoryNode[]): void {
    const layout = layOut(directory);
    this.nodes.push(directory);
    this.layouts.push(layout);
    // The last one is taken first.
    for (let index = layout.nodes.length - 1; index >= 0; index -= 1) {
      const child = layout.nodes[index]!;
      const isBelow = child.type === "directory" && child !== directory && child !== directory.parent;
      if (isBelow) left.push(child);
    }
    for (const child of layout.nodes) {
      if (child.type === "directory") continue;
      if (child.links > 1) {
        if (this.#linked.has(child)) continue;
        this.#linked.add(child);
      }
      this.nodes.push(child);
      this.layouts.push(undefined);
    }
  }
}

function unplaced(node: LayerNode, xattrs: Buffer, layout: DirectoryLayout | undefined): Placed {
  const bodyBytes = inodeBytes + xattrs.length;
  let form: Placed["form"] = DATA.PLAIN;
  let inlineBytes = 0;
  let sizeBytes = 0;
  let chunks: ChunkTable | undefined;
  if (node.type === "file") {
    sizeBytes = node.sizeBytes;
    if (node.regions && sizeBytes > 0) {
      chunks = cutIntoChunks(node.regions, sizeBytes, node.dataOffset);
      form = DATA.CHUNKS;
      inlineBytes = 4 * chunks.chunks.length;
    }
  } else if (node.type === "directory" || node.type === "symlink") {
    sizeBytes = node.type === "directory" ? (layout?.sizeBytes ?? 0) : node.target.length;
    const last = sizeBytes % blockBytes;
    // The kernel reads a symlink fast when all of it is inline.
    const mayBeInline = node.type === "directory" || sizeBytes < blockBytes;
    if (mayBeInline && last > 0 && bodyBytes + last <= blockBytes) {
      form = DATA.INLINE;
      inlineBytes = last;
    }
  }
  const dataOffset = undefined;
  return { node, offset: 0, xattrs, bodyBytes, form, inlineBytes, sizeBytes, dataOffset, layout, chunks };
}

function wholeBlockBytes({ node, form, sizeBytes }: Placed): number {
  if (node.type !== "directory" && node.type !== "symlink") return 0;
  return form === DATA.INLINE ? sizeBytes - (sizeBytes % blockBytes) : sizeBytes;
}
