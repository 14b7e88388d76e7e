import { Fault } from "@slipway/fault/fault";
import { DATA, holeChunk } from "../format.ts";
import { damaged } from "./damage.ts";
import type { ImageBytes, Place } from "./image-bytes.ts";
import type { Inode } from "./inode.ts";

/** A piece of a file, and where it is. What no extent has is a hole. In bytes. */
export interface Extent {
  readonly position: number;
  readonly length: number;
  readonly place: Place;
}

// In memory, a table takes some hundred bytes a chunk. A tar cannot ask for as many.
const maxChunks = 1 << 22;

/** Where an inode's data is, in order, one extent for what is in a row. @throws {Fault} `data_loss` */
export function extentsOf(image: ImageBytes, inode: Inode): Extent[] {
  if (inode.sizeBytes === 0) return [];
  if (inode.form === DATA.CHUNKS) return chunkExtents(image, inode);
  if (inode.form === DATA.INLINE) return inlineExtents(image, inode);
  const { sizeBytes, union } = inode;
  return [{ position: 0, length: sizeBytes, place: image.locate(union, sizeBytes) }];
}

function inlineExtents(image: ImageBytes, { sizeBytes, union, endOffset }: Inode): Extent[] {
  const { blockBytes } = image.layout;
  const inRow = (Math.ceil(sizeBytes / blockBytes) - 1) * blockBytes;
  const length = sizeBytes - inRow;
  if ((endOffset % blockBytes) + length > blockBytes) throw damaged("inline data crosses a block's border");
  const last = { position: inRow, length, place: { file: 0, offset: endOffset } };
  return inRow === 0 ? [last] : [{ position: 0, length: inRow, place: image.locate(union, inRow) }, last];
}

const chunkBits = 0x1f;
const hasIndexes = 0x20;

function chunkExtents(image: ImageBytes, { sizeBytes, union, endOffset }: Inode): Extent[] {
  if ((union & ~(chunkBits | hasIndexes)) !== 0)
    throw new Fault("unimplemented", "Cannot read EROFS image: it has chunks of an unknown form");
  const size = image.layout.blockBytes * 2 ** (union & chunkBits);
  const count = Math.ceil(sizeBytes / size);
  if (count > maxChunks) throw damaged(`a file has ${count} chunks`);
  const isLong = (union & hasIndexes) !== 0;
  const entryBytes = isLong ? 8 : 4;
  // Longer entries stand at multiples of their length.
  const offset = Math.ceil(endOffset / entryBytes) * entryBytes;
  const table = image.read({ file: 0, offset }, count * entryBytes);
  const extents: Extent[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = index * entryBytes;
    const block = table.readUInt32LE(isLong ? at + 4 : at);
    if (block === holeChunk) continue;
    const position = index * size;
    const length = Math.min(size, sizeBytes - position);
    const place = image.locate(block, length, isLong ? table.readUInt16LE(at + 2) : 0);
    append(extents, { position, length, place });
  }
  return extents;
}

function append(extents: Extent[], next: Extent): void {
  const last = extents.at(-1);
  const follows =
    last !== undefined &&
    last.position + last.length === next.position &&
    last.place.file === next.place.file &&
    last.place.offset + last.length === next.place.offset;
  if (follows) extents[extents.length - 1] = { ...last, length: last.length + next.length };
  else extents.push(next);
}
