import { setNumber64 } from "./directory-data.ts";
import { DATA, inodeBytes, slotBytes } from "./format.ts";
import type { LayerNode } from "./nodes.ts";
import type { Placed } from "./place.ts";
import { xattrCount } from "./xattrs.ts";

const formats: Readonly<Record<LayerNode["type"], number>> = {
  file: 0o100_000,
  directory: 0o040_000,
  symlink: 0o120_000,
  character: 0o020_000,
  block: 0o060_000,
  fifo: 0o010_000,
};
const isLong = 1;
const second = 1_000_000_000n;

/** Writes an inode in its long form with its extended attributes. `dataBlock` is where its data begins. */
export function writeInode(out: Buffer, view: DataView, placed: Placed, dataBlock: number): void {
  const { node, offset: at, xattrs, form, sizeBytes } = placed;
  view.setUint16(at, isLong | (form << 1), true);
  view.setUint16(at + 2, xattrCount(xattrs), true);
  view.setUint16(at + 4, formats[node.type] | node.mode, true);
  setNumber64(view, at + 8, sizeBytes);
  view.setUint32(at + 16, unionOf(placed, dataBlock), true);
  view.setUint32(at + 20, at / slotBytes, true);
  view.setUint32(at + 24, node.uid, true);
  view.setUint32(at + 28, node.gid, true);
  view.setBigUint64(at + 32, node.modifiedNs / second, true);
  view.setUint32(at + 40, Number(node.modifiedNs % second), true);
  view.setUint32(at + 44, placed.layout?.links ?? node.links, true);
  if (xattrs.length > 0) out.set(xattrs, at + inodeBytes);
}

// One field is a block, a device or the size of chunks.
function unionOf({ node, chunks, form }: Placed, dataBlock: number): number {
  if (node.type === "character" || node.type === "block") return encodeDevice(node.major, node.minor);
  return form === DATA.CHUNKS ? (chunks?.bits ?? 0) : dataBlock;
}

/** As the kernel's new_encode_dev(). */
function encodeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}
