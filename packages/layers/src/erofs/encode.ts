import { Fault } from "@slipway/fault/fault";
import type { ByteName } from "../bytes-name.ts";
import { padded } from "../tar/entry.ts";
import { filesBytesOf } from "./file-usage.ts";
import { blockBytes, DATA, headerBytes, holeChunk, slotBytes, type Superblock } from "./format.ts";
import { type DirectoryLayout, writeDirectoryBlock } from "./directory-data.ts";
import { writeInode } from "./inode.ts";
import type { DirectoryNode, LayerNode } from "./nodes.ts";
import { place, type Placed } from "./place.ts";
import { type ChunkStart, type Copy, placeCopies } from "./copies.ts";

/**
 * Where the tar is: in the image, behind its header, or in a file of its own that is mounted as the image's extra
 * device. Then the image is no more than names and attributes, and the tar may be filled later.
 */
export type TarPlace = "inside" | "beside";

/** What makes a file with a tar in it, or beside it, an image, but for the tar. */
export interface LayerIndex {
  readonly superblock: Superblock;
  /** What of the tar is to be put together again in the image. */
  readonly copies: readonly Copy[];
  readonly metadata: Buffer;
  readonly metadataOffset: number;
  /** The length of the image. */
  readonly imageBytes: number;
  /** What the tree would take as files. */
  readonly filesBytes: number;
}

/**
 * The metadata that makes files out of a tar's bytes. The image is: a header of 4096 bytes, the tar if it is inside,
 * data of sparse files that the tar has in pieces, metadata. The same tree gives the same bytes.
 * @throws {Fault} `resource_exhausted` for numbers that the format has no room for
 */
export function encodeIndex(root: DirectoryNode, tarBytes: number, tar: TarPlace = "inside"): LayerIndex {
  const placed = place(root);
  // With the tar beside, this leaves a hole. Linux 6.18 joins a chunk of a device with one of the image when the former's
  // place in the device ends with the number that the latter's place in the image begins with: so no number is both.
  const hasCopies = placed.chunked.some(({ chunks }) => chunks?.chunks.some(({ kind }) => kind === "copy"));
  const copiesOffset = headerBytes + (tar === "inside" || hasCopies ? padded(tarBytes) : 0);
  const { copies, starts, bytes } = placeCopies(placed.chunked, copiesOffset);
  const metadataOffset = copiesOffset + bytes;
  const metadata = Buffer.alloc(placed.totalBytes);
  const view = new DataView(metadata.buffer, metadata.byteOffset, metadata.length);
  const imageBytes = metadataOffset + metadata.length;
  // Blocks of the device are counted on from those of the image.
  const tarOffset = tar === "inside" ? headerBytes : imageBytes;
  if (Math.max(imageBytes, tarOffset + padded(tarBytes)) / blockBytes >= 2 ** 32)
    throw new Fault("resource_exhausted", "Cannot write layer image: it is longer than 2 TiB");
  const blockOf = (offset: number): number => (metadataOffset + offset) / blockBytes;
  const numberOf = (node: LayerNode): number => (placed.inodes[node.index]?.offset ?? 0) / slotBytes;
  for (const each of placed.inodes) {
    writeInode(metadata, view, each, dataBlockOf(each, tarOffset, blockOf));
    if (each.layout) writeDirectory(metadata, view, each, each.layout, numberOf);
    else if (each.node.type === "symlink") writeTarget(metadata, each, each.node.target);
  }
  for (const [each, chunks] of starts) {
    for (const [index, start] of chunks.entries())
      view.setUint32(inlineAt(each) + 4 * index, blockOfChunk(start, tarOffset), true);
  }
  metadata.set(placed.xattrTable, placed.xattrOffset);
  const superblock: Superblock = {
    rootNumber: numberOf(root),
    inodes: placed.inodes.length,
    blocks: imageBytes / blockBytes,
    metadataBlock: blockOf(0),
    xattrBlock: blockOf(placed.xattrOffset),
    hasChunks: starts.size > 0,
  };
  const device = { firstBlock: tarOffset / blockBytes, blocks: padded(tarBytes) / blockBytes };
  return {
    superblock: tar === "inside" ? superblock : { ...superblock, device },
    copies,
    metadata,
    metadataOffset,
    imageBytes,
    filesBytes: filesBytesOf(placed.inodes),
  };
}

function dataBlockOf(
  { node, dataOffset }: Placed,
  tarOffset: number,
  blockOf: (offset: number) => number,
): number {
  if (node.type === "file") return node.sizeBytes === 0 ? 0 : (tarOffset + node.dataOffset) / blockBytes;
  return dataOffset === undefined ? 0 : blockOf(dataOffset);
}

function blockOfChunk(start: ChunkStart, tarOffset: number): number {
  if (start === undefined) return holeChunk;
  return ("inTar" in start ? tarOffset + start.inTar : start.inImage) / blockBytes;
}

function writeDirectory(
  out: Buffer,
  view: DataView,
  placed: Placed,
  layout: DirectoryLayout,
  numberOf: (node: LayerNode) => number,
): void {
  const blocks = layout.blockEnds.length;
  const whole = placed.form === DATA.INLINE ? blocks - 1 : blocks;
  for (let index = 0; index < blocks; index += 1) {
    const at = index < whole ? (placed.dataOffset ?? 0) + index * blockBytes : inlineAt(placed);
    writeDirectoryBlock(out, view, at, layout, index, numberOf);
  }
}

function writeTarget(out: Buffer, placed: Placed, target: ByteName): void {
  out.write(target, placed.form === DATA.INLINE ? inlineAt(placed) : (placed.dataOffset ?? 0), "latin1");
}

function inlineAt({ offset, bodyBytes }: Placed): number {
  return offset + bodyBytes;
}
