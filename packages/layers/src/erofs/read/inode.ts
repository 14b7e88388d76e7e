import { Fault } from "@slipway/fault/fault";
import type { TarType } from "../../tar/entry.ts";
import { DATA, slotBytes } from "../format.ts";
import { damaged, readSize } from "./damage.ts";
import type { ImageBytes } from "./image-bytes.ts";

/** An inode as it stands in an image. */
export interface Inode {
  readonly number: number;
  /** A link is a second name of something; a socket has no place in a layer. */
  readonly type: Exclude<TarType, "link"> | "socket";
  /** The permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly modifiedNs: bigint;
  readonly form: (typeof DATA)[keyof typeof DATA];
  /** A block, a device, or what chunks are like. */
  readonly union: number;
  /** Where its attributes are in the image, and what follows them. In bytes. */
  readonly xattrOffset: number;
  readonly endOffset: number;
}

const types: Readonly<Record<number, Inode["type"]>> = {
  0o010_000: "fifo",
  0o020_000: "character",
  0o040_000: "directory",
  0o060_000: "block",
  0o100_000: "file",
  0o120_000: "symlink",
  0o140_000: "socket",
};
const shortBytes = 32;
const longBytes = 64;

/** @throws {Fault} `data_loss`, `unimplemented` for compressed data */
export function readInode(image: ImageBytes, number: number): Inode {
  const { metadataOffset, builtNs } = image.layout;
  const offset = metadataOffset + number * slotBytes;
  const format = image.read({ file: 0, offset }, 2).readUInt16LE(0);
  const isLong = (format & 1) !== 0;
  const bytes = image.read({ file: 0, offset }, isLong ? longBytes : shortBytes);
  const mode = bytes.readUInt16LE(4);
  const type = types[mode & 0o170_000];
  if (!type) throw damaged(`inode ${number} is of no known type`);
  const xattrOffset = offset + bytes.length;
  const common = {
    number,
    type,
    mode: mode & 0o7777,
    form: formOf(format),
    union: bytes.readUInt32LE(16),
    xattrOffset,
    endOffset: xattrOffset + xattrBytes(bytes.readUInt16LE(2)),
  };
  return isLong
    ? { ...common, ...readLong(bytes) }
    : {
        ...common,
        sizeBytes: bytes.readUInt32LE(8),
        uid: bytes.readUInt16LE(24),
        gid: bytes.readUInt16LE(26),
        modifiedNs: builtNs,
      };
}

function readLong(bytes: Buffer): Pick<Inode, "sizeBytes" | "uid" | "gid" | "modifiedNs"> {
  return {
    sizeBytes: readSize(bytes, 8),
    uid: bytes.readUInt32LE(24),
    gid: bytes.readUInt32LE(28),
    modifiedNs: bytes.readBigInt64LE(32) * 1_000_000_000n + BigInt(bytes.readUInt32LE(40)),
  };
}

function formOf(format: number): Inode["form"] {
  const value = (format >> 1) & 7;
  const known = Object.values(DATA).find((each) => each === value);
  if (known === undefined || format >> 4 !== 0)
    throw new Fault("unimplemented", `Cannot read EROFS image: data of form ${format >> 1} is unknown`);
  return known;
}

/** A header of 12 bytes, then units of 4. */
function xattrBytes(count: number): number {
  return count === 0 ? 0 : 12 + 4 * (count - 1);
}

/** As the kernel's new_decode_dev(). */
export function deviceOf({ union }: Inode): { readonly deviceMajor: number; readonly deviceMinor: number } {
  return {
    deviceMajor: (union >>> 8) & 0xfff,
    deviceMinor: (union & 0xff) | ((union >>> 12) & 0xf_ff00),
  };
}
