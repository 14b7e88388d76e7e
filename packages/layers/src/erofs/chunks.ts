import { Fault } from "@slipway/fault/fault";
import type { SparseRegion } from "../tar/entry.ts";
import { blockBits, blockBytes } from "./format.ts";

/** A file with holes, as a table of chunks of one size. */
export interface ChunkTable {
  /** A chunk has 2^(9 + bits) bytes. */
  readonly bits: number;
  readonly chunks: readonly Chunk[];
}

/** Where a chunk is: nowhere, in the tar, or put together from what the tar has in pieces. */
export type Chunk =
  | { readonly kind: "hole" }
  | { readonly kind: "tar"; readonly offset: number }
  | { readonly kind: "copy"; readonly pieces: readonly Piece[] };

/** Bytes of the tar, and where in the chunk they belong. */
export interface Piece {
  readonly tarOffset: number;
  readonly chunkOffset: number;
  readonly length: number;
}

const maxBits = 31;

/**
 * Cuts a sparse file into chunks that are as large as the borders of its data allow. A table is never much longer
 * than what the tar says about the file: then the chunks get larger, and their data is copied.
 * @param dataOffset where its data, region after region, begins in the tar
 */
export function cutIntoChunks(
  regions: readonly SparseRegion[],
  sizeBytes: number,
  dataOffset: number,
): ChunkTable {
  const placed = placeRegions(regions, dataOffset);
  const most = 4096 + 16 * placed.length;
  let bits = 0;
  while (sizeBytes > most * chunkBytes(bits) || (bits < maxBits && isAligned(placed, sizeBytes, bits + 1)))
    bits += 1;
  if (bits > maxBits)
    throw new Fault("resource_exhausted", "Cannot write layer image: a sparse file is too long");
  const size = chunkBytes(bits);
  const chunks: Chunk[] = [];
  let first = 0;
  for (let start = 0; start < sizeBytes; start += size) {
    const end = Math.min(start + size, sizeBytes);
    while (placed[first] && placed[first]!.offset + placed[first]!.length <= start) first += 1;
    chunks.push(chunkOf(placed, first, start, end));
  }
  return { bits, chunks };
}

interface PlacedRegion extends SparseRegion {
  readonly tarOffset: number;
}

function placeRegions(regions: readonly SparseRegion[], dataOffset: number): PlacedRegion[] {
  let tarOffset = dataOffset;
  const placed: PlacedRegion[] = [];
  for (const region of regions) {
    if (region.length > 0) placed.push({ ...region, tarOffset });
    tarOffset += region.length;
  }
  return placed;
}

/** Whether each region fills whole chunks; the last may end with the file. */
function isAligned(placed: readonly PlacedRegion[], sizeBytes: number, bits: number): boolean {
  const size = chunkBytes(bits);
  return placed.every(({ offset, length }) => {
    const end = offset + length;
    return offset % size === 0 && (end % size === 0 || end === sizeBytes);
  });
}

function chunkOf(placed: readonly PlacedRegion[], first: number, start: number, end: number): Chunk {
  const pieces: Piece[] = [];
  for (let index = first; index < placed.length; index += 1) {
    const region = placed[index]!;
    if (region.offset >= end) break;
    const from = Math.max(region.offset, start);
    const to = Math.min(region.offset + region.length, end);
    pieces.push({
      tarOffset: region.tarOffset + from - region.offset,
      chunkOffset: from - start,
      length: to - from,
    });
  }
  const [only] = pieces;
  if (!only) return { kind: "hole" };
  const isWhole = pieces.length === 1 && only.length === end - start && only.tarOffset % blockBytes === 0;
  return isWhole ? { kind: "tar", offset: only.tarOffset } : { kind: "copy", pieces };
}

/** Of a chunk. */
export function chunkBytes(bits: number): number {
  return 2 ** (blockBits + bits);
}
