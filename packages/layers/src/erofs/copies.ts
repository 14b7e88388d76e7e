import { padded } from "../tar/entry.ts";
import { chunkBytes } from "./chunks.ts";
import type { Placed } from "./place.ts";

/** Bytes of the tar that are put together again in the image. Offsets are in bytes, `from` in the tar. */
export interface Copy {
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

/** Where a chunk of a sparse file begins, in bytes; nothing for a hole. */
export type ChunkStart = { readonly inTar: number } | { readonly inImage: number } | undefined;

/** Gives what the tar has in pieces its place in the image, from `offset` on. */
export function placeCopies(
  chunked: readonly Placed[],
  offset: number,
): {
  readonly copies: readonly Copy[];
  readonly starts: ReadonlyMap<Placed, readonly ChunkStart[]>;
  readonly bytes: number;
} {
  const copies: Copy[] = [];
  const starts = new Map<Placed, readonly ChunkStart[]>();
  let end = offset;
  for (const placed of chunked) {
    const { node, chunks } = placed;
    if (!chunks || node.type !== "file") continue;
    const size = chunkBytes(chunks.bits);
    const startOf = (chunk: (typeof chunks.chunks)[number], index: number): ChunkStart => {
      if (chunk.kind === "hole") return undefined;
      if (chunk.kind === "tar") return { inTar: chunk.offset };
      const start = end;
      for (const { tarOffset, chunkOffset, length } of chunk.pieces)
        copies.push({ from: tarOffset, to: start + chunkOffset, length });
      end += padded(Math.min(size, node.sizeBytes - index * size));
      return { inImage: start };
    };
    starts.set(placed, chunks.chunks.map(startOf));
  }
  return { copies, starts, bytes: end - offset };
}
