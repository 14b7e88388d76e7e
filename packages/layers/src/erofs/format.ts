import { Fault } from "@slipway/fault/fault";

/*
 * What stands where in an EROFS image, little-endian: https://erofs.docs.kernel.org/en/latest/core_ondisk.html and the
 * kernel's fs/erofs/erofs_fs.h. Blocks are as long as a tar's, so that a file's data in a tar begins a block
 * (Linux 6.4 and later).
 */

export const blockBits = 9;
export const blockBytes = 1 << blockBits;
/** What stands before the tar: our own record, the superblock, and zeros up to a page. */
export const headerBytes = 4096;
export const superblockOffset = 1024;
export const magic = 0xe0f5_e1e2;
/** An inode's number is its place in the metadata, in these. */
export const slotBytes = 32;
/** Of an inode in its long form: nanoseconds, 32-bit ids. */
export const inodeBytes = 64;
export const direntBytes = 12;
export const maxNameBytes = 255;
// Files whose data is a table of chunks, some of them holes.
const FEATURE_CHUNKED_FILE = 4;
const FEATURE_DEVICE_TABLE = 8;
const FEATURE_CHECKSUM = 1;
// The table of devices has its one slot right behind the superblock.
const deviceSlotBytes = 128;
const deviceSlot = 9;

/** How an inode's data is found: in a row, in a row with the last part behind the inode, by a table of chunks. */
export const DATA = { PLAIN: 0, INLINE: 2, CHUNKS: 4 } as const;
/** A chunk that is a hole. */
export const holeChunk = 0xffff_ffff;

export interface Superblock {
  readonly rootNumber: number;
  readonly inodes: number;
  /** Of the image. */
  readonly blocks: number;
  /** The block that inode numbers count from. */
  readonly metadataBlock: number;
  /** The block that numbers of shared attributes count from. */
  readonly xattrBlock: number;
  readonly hasChunks: boolean;
  /** A tar in a file of its own: the blocks from `firstBlock` on are there. */
  readonly device?: TarDevice;
}

interface TarDevice {
  readonly firstBlock: number;
  readonly blocks: number;
}

/** What the image says of itself, in the bytes that EROFS leaves free for boot loaders. */
export interface ImageRecord {
  readonly tarBytes: number;
  /** Of the file with the header. */
  readonly imageBytes: number;
  /** sha256 of the tar, the diffID, and of all that follows it, or the header. */
  readonly tarHash: Uint8Array;
  readonly indexHash: Uint8Array;
  /** Some directories are there that the layer leaves out, and that nobody knew from below when it was written. */
  readonly guessesDirectories: boolean;
  /** What the layer would take as files on a disk, see file-usage.ts; 0 in images from before that was written. */
  readonly filesBytes: number;
}
const recordMagic = "slipway layer 1\0";

/** Everything before the tar. */
export function encodeHeader(superblock: Superblock, record: ImageRecord): Buffer {
  const header = Buffer.alloc(headerBytes);
  header.write(recordMagic, "latin1");
  header.writeBigUInt64LE(BigInt(record.tarBytes), 16);
  header.writeBigUInt64LE(BigInt(record.imageBytes), 24);
  header.set(record.tarHash, 32);
  header.set(record.indexHash, 64);
  header[96] = record.guessesDirectories ? 1 : 0;
  header.writeBigUInt64LE(BigInt(record.filesBytes), 104);
  const block = header.subarray(superblockOffset);
  block.writeUInt32LE(magic, 0);
  block.writeUInt32LE(FEATURE_CHECKSUM, 8);
  block[12] = blockBits;
  block.writeUInt16LE(superblock.rootNumber, 14);
  block.writeBigUInt64LE(BigInt(superblock.inodes), 16);
  block.writeUInt32LE(superblock.blocks, 36);
  block.writeUInt32LE(superblock.metadataBlock, 40);
  block.writeUInt32LE(superblock.xattrBlock, 44);
  // Overlays tell their layers apart by it.
  block.set(record.tarHash.subarray(0, 16), 48);
  const chunks = superblock.hasChunks ? FEATURE_CHUNKED_FILE : 0;
  block.writeUInt32LE(chunks | (superblock.device ? FEATURE_DEVICE_TABLE : 0), 80);
  if (superblock.device) writeDevice(block, superblock.device, record.tarHash);
  block.writeUInt32LE(checksumOf(block), 4);
  return header;
}

/** The device's tag is the tar's sha256 in letters: whoever has the index knows what belongs beside it. */
function writeDevice(block: Buffer, { firstBlock, blocks }: TarDevice, tarHash: Uint8Array): void {
  block.writeUInt16LE(1, 86);
  block.writeUInt16LE(deviceSlot, 88);
  const slot = block.subarray(deviceSlot * deviceSlotBytes - superblockOffset);
  slot.write(Buffer.from(tarHash).toString("hex"), 0, "latin1");
  slot.writeUInt32LE(blocks, 64);
  slot.writeUInt32LE(firstBlock, 68);
}

/** What a header says beside its record. */
interface DecodedHeader extends ImageRecord {
  readonly inodes: number;
  /** Whether the tar is in a file of its own. */
  readonly isTarBeside: boolean;
}

/** @throws {Fault} `data_loss` */
export function decodeHeader(header: Buffer): DecodedHeader {
  const block = header.subarray(superblockOffset);
  const isOurs = header.length === headerBytes && header.toString("latin1", 0, 16) === recordMagic;
  if (!isOurs || block.readUInt32LE(0) !== magic || block.readUInt32LE(4) !== checksumOf(block))
    throw new Fault("data_loss", "Cannot read layer image: its header is not whole");
  return {
    tarBytes: Number(header.readBigUInt64LE(16)),
    imageBytes: Number(header.readBigUInt64LE(24)),
    tarHash: Uint8Array.from(header.subarray(32, 64)),
    indexHash: Uint8Array.from(header.subarray(64, 96)),
    guessesDirectories: header[96] === 1,
    filesBytes: Number(header.readBigUInt64LE(104)),
    inodes: Number(block.readBigUInt64LE(16)),
    isTarBeside: block.readUInt16LE(86) > 0,
  };
}

function checksumOf(block: Buffer): number {
  return superblockChecksum(block.subarray(0, blockBytes));
}

/** CRC-32C of the superblock's block, from the superblock on, as it is before its checksum is written into it. */
export function superblockChecksum(block: Buffer): number {
  let crc = 0x5045_b54a; // of the magic and an empty checksum
  for (const byte of block.subarray(8)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : 0x82f6_3b78);
  }
  return crc >>> 0;
}
