import { Fault } from "@slipway/fault/fault";
import { padded } from "../tar/entry.ts";
import { blockBytes, DATA, headerBytes, holeChunk, slotBytes, type Superblock } from "./format.ts";
import { writeDirectoryBlock } from "./directory-data.ts";
import { writeInode } from "./inode.ts";
import type { DirectoryNode, LayerNode } from "./nodes.ts";
import { place, type Placed } from "./place.ts";
import { chunkBytes } from "./chunks.ts";

/** What makes a file with a tar in it an image, but for the tar. */
export interface LayerIndex {
  readonly superblock: Superblock;
  /** What of the tar is to be put together again behind it. */
  readonly copies: readonly Copy[];
  readonly metadata: Buffer;
  readonly metadataOffset: number;
  /** The length of the file. */
  readonly imageBytes: number;
}

interface Copy {
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

/**
 * The metadata that makes files out of a tar's bytes. The file is: a header of 4096 bytes, the tar, data of sparse
 * files that the tar has in pieces, metadata. The same tree gives the same bytes.
 * @throws {Fault} `resource_exhausted` for numbers that the format has no room for
 */
export function encodeIndex(root: DirectoryNode, tarBytes: number): LayerIndex {
  const placed = place(root);
  const copies: Copy[] = [];
  let end = headerBytes + padded(tarBytes);
  const chunkStarts = new Map<Placed, number[]>();
  for (const each of placed.inodes) {
    const { node, chunks } = each;
    if (!chunks || node.type !== "file") continue;
    const size = chunkBytes(chunks.bits);
    const starts = chunks.chunks.map((chunk, index) => {
      if (chunk.kind === "hole") return holeChunk;
      if (chunk.kind === "tar") return (headerBytes + chunk.offset) / blockBytes;
      const start = end;
      for (const { tarOffset, chunkOffset, length } of chunk.pieces)
        copies.push({ from: headerBytes + tarOffset, to: start + chunkOffset, length });
      end += padded(Math.min(size, node.sizeBytes - index * size));
      return start / blockBytes;
    });
    chunkStarts.set(each, starts);
  }
  const metadataOffset = end;
  const metadata = Buffer.alloc(placed.totalBytes);
  const imageBytes = metadataOffset + metadata.length;
  if (imageBytes / blockBytes >= 2 ** 32)
    throw new Fault("resource_exhausted", "Cannot write layer image: it is longer than 2 TiB");
  const blockOf = (offset: number): number => (metadataOffset + offset) / blockBytes;
  const numberOf = (node: LayerNode): number => (placed.of.get(node)?.offset ?? 0) / slotBytes;
  for (const each of placed.inodes) {
    writeInode(metadata, each, each.dataOffset === undefined ? 0 : blockOf(each.dataOffset));
    writeData(metadata, each, chunkStarts.get(each) ?? [], numberOf);
  }
  metadata.set(placed.xattrTable, placed.xattrOffset);
  const superblock: Superblock = {
    rootNumber: numberOf(root),
    inodes: placed.inodes.length,
    blocks: imageBytes / blockBytes,
    metadataBlock: blockOf(0),
    xattrBlock: blockOf(placed.xattrOffset),
    hasChunks: chunkStarts.size > 0,
  };
  return { superblock, copies, metadata, metadataOffset, imageBytes };
}

function writeData(
  out: Buffer,
  placed: Placed,
  chunkStarts: readonly number[],
  numberOf: (node: LayerNode) => number,
): void {
  const { node, layout } = placed;
  const inlineAt = placed.offset + placed.bodyBytes;
  if (node.type === "directory" && layout) {
    const whole = placed.form === DATA.INLINE ? layout.blockEnds.length - 1 : layout.blockEnds.length;
    for (const index of layout.blockEnds.keys()) {
      const at = index < whole ? (placed.dataOffset ?? 0) + index * blockBytes : inlineAt;
      writeDirectoryBlock(out, at, node, layout, index, numberOf);
    }
  } else if (node.type === "symlink") {
    const at = placed.form === DATA.INLINE ? inlineAt : (placed.dataOffset ?? 0);
    out.write(node.target, at, "latin1");
  } else {
    for (const [index, block] of chunkStarts.entries()) out.writeUInt32LE(block, inlineAt + 4 * index);
  }
}
