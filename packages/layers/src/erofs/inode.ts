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
export function writeInode(out: Buffer, placed: Placed, dataBlock: number): void {
  const { node, offset: at, xattrs, form, sizeBytes } = placed;
  out.writeUInt16LE(isLong | (form << 1), at);
  out.writeUInt16LE(xattrCount(xattrs), at + 2);
  out.writeUInt16LE(formats[node.type] | node.mode, at + 4);
  out.writeUInt32LE(sizeBytes % 2 ** 32, at + 8);
  out.writeUInt32LE(Math.floor(sizeBytes / 2 ** 32), at + 12);
  out.writeUInt32LE(unionOf(placed, dataBlock), at + 16);
  out.writeUInt32LE((at / slotBytes) % 2 ** 32, at + 20);
  out.writeUInt32LE(node.uid, at + 24);
  out.writeUInt32LE(node.gid, at + 28);
  out.writeBigUInt64LE(node.modifiedNs / second, at + 32);
  out.writeUInt32LE(Number(node.modifiedNs % second), at + 40);
  out.writeUInt32LE(linksOf(node), at + 44);
  out.set(xattrs, at + inodeBytes);
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

function linksOf(node: LayerNode): number {
  if (node.type !== "directory") return node.links;
  let links = 2;
  for (const child of node.children.values()) if (child.type === "directory") links += 1;
  return links;
}
