import { padded } from "../tar/entry.ts";
import { type ChunkTable, cutIntoChunks } from "./chunks.ts";
import { type DirectoryLayout, layOut } from "./directory-data.ts";
import { blockBytes, DATA, inodeBytes, slotBytes } from "./format.ts";
import type { DirectoryNode, LayerNode } from "./nodes.ts";
import { XattrTable } from "./xattrs.ts";

/** A node, and where in the metadata it goes. Offsets are in bytes. */
export interface Placed {
  readonly node: LayerNode;
  readonly offset: number;
  readonly xattrs: Buffer;
  /** Of the inode with its extended attributes: then comes what is inline. */
  readonly bodyBytes: number;
  readonly form: (typeof DATA)[keyof typeof DATA];
  readonly sizeBytes: number;
  /** Whole blocks of a directory or a symlink. */
  dataOffset?: number;
  readonly layout?: DirectoryLayout;
  readonly chunks?: ChunkTable;
}

export interface PlacedTree {
  readonly inodes: readonly Placed[];
  readonly of: ReadonlyMap<LayerNode, Placed>;
  readonly xattrTable: Buffer;
  readonly xattrOffset: number;
  readonly totalBytes: number;
}

/** Gives each node of the tree its place: inodes, a directory's beside each other, then blocks of data, then shared attributes. */
export function place(root: DirectoryNode): PlacedTree {
  const nodes = inOrder(root);
  const xattrs = new XattrTable();
  for (const node of nodes) xattrs.count(node);
  const of = new Map<LayerNode, Placed>();
  // An inode of number 0 would be a name that readdir(3) leaves out.
  let end = 2 * slotBytes;
  for (const node of nodes) {
    const encoded = xattrs.encode(node);
    const shape = shapeOf(node, inodeBytes + encoded.length);
    // Neither an inode nor what is inline may cross a block's border.
    const together = shape.form === DATA.INLINE ? shape.bodyBytes + shape.inlineBytes : inodeBytes;
    if ((end % blockBytes) + together > blockBytes) end = padded(end);
    const { inlineBytes, ...rest } = shape;
    of.set(node, { node, offset: end, xattrs: encoded, ...rest });
    end = Math.ceil((end + shape.bodyBytes + inlineBytes) / slotBytes) * slotBytes;
  }
  end = padded(end);
  const inodes = [...of.values()];
  for (const each of inodes) {
    const bytes = wholeBlockBytes(each);
    if (bytes === 0) continue;
    each.dataOffset = end;
    end += padded(bytes);
  }
  const xattrTable = xattrs.table;
  return { inodes, of, xattrTable, xattrOffset: end, totalBytes: padded(end + xattrTable.length) };
}

/** Each node once, a directory's own files before what is in the directories below. */
function inOrder(root: DirectoryNode): LayerNode[] {
  const nodes = new Set<LayerNode>();
  const left: DirectoryNode[] = [root];
  for (let directory = left.pop(); directory; directory = left.pop()) {
    nodes.add(directory);
    const below: DirectoryNode[] = [];
    for (const name of [...directory.children.keys()].sort()) {
      const child = directory.children.get(name);
      if (child?.type === "directory") below.push(child);
      else if (child) nodes.add(child);
    }
    for (const child of below.toReversed()) left.push(child);
  }
  return [...nodes];
}

type Shape = Pick<Placed, "bodyBytes" | "form" | "sizeBytes" | "layout" | "chunks"> & {
  readonly inlineBytes: number;
};

function shapeOf(node: LayerNode, bodyBytes: number): Shape {
  const inlineOr = (sizeBytes: number): Pick<Shape, "form" | "inlineBytes" | "sizeBytes" | "bodyBytes"> => {
    const last = sizeBytes % blockBytes;
    const isInline = last > 0 && bodyBytes + last <= blockBytes;
    return {
      form: isInline ? DATA.INLINE : DATA.PLAIN,
      inlineBytes: isInline ? last : 0,
      sizeBytes,
      bodyBytes,
    };
  };
  switch (node.type) {
    case "directory": {
      const layout = layOut(node);
      return { ...inlineOr(layout.sizeBytes), layout };
    }
    case "symlink":
      // The kernel reads it fast when all of it is inline.
      return node.target.length < blockBytes
        ? inlineOr(node.target.length)
        : { form: DATA.PLAIN, inlineBytes: 0, sizeBytes: node.target.length, bodyBytes };
    case "file": {
      const { regions, sizeBytes, dataOffset } = node;
      const plain = { form: DATA.PLAIN, inlineBytes: 0, sizeBytes, bodyBytes };
      if (!regions || sizeBytes === 0) return plain;
      const chunks = cutIntoChunks(regions, sizeBytes, dataOffset);
      return { ...plain, form: DATA.CHUNKS, inlineBytes: 4 * chunks.chunks.length, chunks };
    }
    case "character":
    case "block":
    case "fifo":
      return { form: DATA.PLAIN, inlineBytes: 0, sizeBytes: 0, bodyBytes };
  }
}

function wholeBlockBytes({ node, form, sizeBytes }: Placed): number {
  if (node.type !== "directory" && node.type !== "symlink") return 0;
  return form === DATA.INLINE ? sizeBytes - (sizeBytes % blockBytes) : sizeBytes;
}
