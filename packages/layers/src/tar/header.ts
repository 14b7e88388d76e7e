import { Fault } from "@slipway/fault/fault";
import type { ByteName } from "../bytes-name.ts";
import { blockBytes } from "./entry.ts";
import { looksNumeric, readNumber } from "./numbers.ts";

/** A header block as it stands in the archive. */
export interface TarHeader {
  readonly name: ByteName;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly modified: number;
  readonly type: string;
  readonly linkName: ByteName;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

// The words that one sum may have without a carry between its halves: each half gets two bytes of each.
const summedWords = blockBytes / 4;
const posixMagic = Buffer.from("ustar\0");
const gnuMagic = Buffer.from("ustar  \0");

/**
 * Reads the header block at `start`, of any of the formats: V7, ustar, star, GNU.
 * @returns nothing for a block of zeros
 * @throws {Fault} `invalid_argument`
 */
export function readHeader(bytes: Buffer, start = 0): TarHeader | undefined {
  if (bytes[start] === 0 && isZero(bytes, start)) return undefined;
  checkSum(bytes, start);
  const isPosix = has(bytes, start + 257, posixMagic);
  const isGnu = !isPosix && has(bytes, start + 257, gnuMagic);
  const hasDevice = isPosix || isGnu;
  return {
    name: joined(hasDevice ? prefixOf(bytes, start, isPosix) : "", text(bytes, start, 100)),
    mode: readNumber(bytes, start + 100, 8) & 0o7777,
    uid: readNumber(bytes, start + 108, 8),
    gid: readNumber(bytes, start + 116, 8),
    sizeBytes: readNumber(bytes, start + 124, 12),
    modified: readNumber(bytes, start + 136, 12),
    type: String.fromCharCode(bytes[start + 156] ?? 0),
    linkName: text(bytes, start + 157, 100),
    deviceMajor: hasDevice ? readNumber(bytes, start + 329, 8) : 0,
    deviceMinor: hasDevice ? readNumber(bytes, start + 337, 8) : 0,
  };
}

/** The bytes of a field up to its first NUL. */
export function text(bytes: Buffer, start: number, length: number): ByteName {
  if (bytes[start] === 0) return "";
  let end = start;
  while (end < start + length && bytes[end] !== 0) end += 1;
  return bytes.toString("latin1", start, end);
}

function isZero(bytes: Buffer, start: number): boolean {
  for (let index = start; index < start + blockBytes; index += 1) if (bytes[index] !== 0) return false;
  return true;
}

function has(bytes: Buffer, start: number, magic: Uint8Array): boolean {
  for (let index = 0; index < magic.length; index += 1)
    if (bytes[start + index] !== magic[index]) return false;
  return true;
}

function prefixOf(bytes: Buffer, start: number, isPosix: boolean): ByteName {
  const at = start + 345;
  if (bytes[at] === 0) return "";
  if (isPosix)
    return text(bytes, at, bytes.toString("latin1", start + 508, start + 512) === "tar\0" ? 131 : 155);
  // GNU keeps times there. Go wrote prefixes into GNU headers until 1.8, and images of that time are still around.
  return looksNumeric(bytes, at, 24) || (bytes[at] ?? 0) >= 0x80 ? "" : text(bytes, at, 155);
}

function joined(prefix: ByteName, name: ByteName): ByteName {
  return prefix === "" ? name : `${prefix}/${name}`;
}

function checkSum(bytes: Buffer, start: number): void {
  const stored = readNumber(bytes, start + 148, 8);
  // The field itself counts as spaces.
  let sum = sumOf(bytes, start) + 8 * 0x20;
  for (let index = start + 148; index < start + 156; index += 1) sum -= bytes[index] ?? 0;
  if (sum === stored) return;
  // Some old programs summed signed bytes.
  for (let index = start; index < start + blockBytes; index += 1) {
    const isOwn = index >= start + 148 && index < start + 156;
    if (!isOwn && (bytes[index] ?? 0) >= 0x80) sum -= 0x100;
  }
  if (sum !== stored)
    throw new Fault("invalid_argument", "Cannot read tar header: its checksum does not match");
}

function sumOf(bytes: Buffer, start: number): number {
  const at = bytes.byteOffset + start;
  let sum = 0;
  if (at % 4 !== 0) {
    for (let index = start; index < start + blockBytes; index += 1) sum += bytes[index] ?? 0;
    return sum;
  }
  for (const word of new Uint32Array(bytes.buffer, at, summedWords))
    sum = (sum + (word & 0xff_00_ff) + ((word >>> 8) & 0xff_00_ff)) | 0;
  return (sum >>> 16) + (sum & 0xffff);
}
