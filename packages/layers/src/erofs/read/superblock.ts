import { Fault } from "@slipway/fault/fault";
import { magic, superblockChecksum } from "../format.ts";
import { damaged } from "./damage.ts";

/** Where things are in an image. Offsets are in bytes. */
export interface ImageLayout {
  readonly blockBytes: number;
  readonly rootNumber: number;
  /** What inode numbers count from. */
  readonly metadataOffset: number;
  /** What numbers of shared attributes count from. */
  readonly xattrOffset: number;
  /** When inodes of the short form were changed. */
  readonly builtNs: bigint;
  /** Other files that blocks may be in, and the blocks of the image that show them. */
  readonly devices: readonly { readonly firstBlock: number; readonly blocks: number }[];
}

const compatibleChecksum = 1;
// Padding of compressed data says nothing about what is not compressed; files with holes; extra devices.
const knownFeatures = 1 | 4 | 8;
const slotBytes = 128;

/**
 * Reads the superblock in `bytes`, the first ones of the image: as many as there are, up to the end of a table of devices.
 * @throws {Fault} `data_loss`, `unimplemented` for compressed images and other features that layers do not have
 */
export function decodeSuperblock(bytes: Buffer): ImageLayout {
  const block = bytes.subarray(1024);
  if (block.length < slotBytes || block.readUInt32LE(0) !== magic) throw damaged("it has no superblock");
  const blockBits = block[12] ?? 0;
  if (blockBits < 9 || blockBits > 16) throw damaged(`its blocks have 2^${blockBits} bytes`);
  const blockBytes = 2 ** blockBits;
  checkFeatures(block, blockBytes);
  return {
    blockBytes,
    rootNumber: block.readUInt16LE(14),
    metadataOffset: block.readUInt32LE(40) * blockBytes,
    xattrOffset: block.readUInt32LE(44) * blockBytes,
    builtNs: block.readBigUInt64LE(24) * 1_000_000_000n + BigInt(block.readUInt32LE(32)),
    devices: readDevices(bytes, block.readUInt16LE(86), block.readUInt16LE(88)),
  };
}

function checkFeatures(block: Buffer, blockBytes: number): void {
  const features = block.readUInt32LE(80);
  if ((features & ~knownFeatures) !== 0)
    throw new Fault(
      "unimplemented",
      `Cannot read EROFS image: its features 0x${features.toString(16)} are unknown`,
    );
  if ((block.readUInt32LE(8) & compatibleChecksum) === 0) return;
  const covered = block.subarray(0, blockBytes > 1024 ? blockBytes - 1024 : blockBytes);
  if (superblockChecksum(covered) !== block.readUInt32LE(4)) throw damaged("its superblock was changed");
}

function readDevices(bytes: Buffer, count: number, slot: number): ImageLayout["devices"] {
  return Array.from({ length: count }, (_, index) => {
    const at = (slot + index) * slotBytes;
    if (at + slotBytes > bytes.length) throw damaged("its table of devices is not there");
    return { blocks: bytes.readUInt32LE(at + 64), firstBlock: bytes.readUInt32LE(at + 68) };
  });
}
