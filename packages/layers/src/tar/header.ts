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

/**
 * Reads a header block of any of the formats: V7, ustar, star, GNU.
 * @returns nothing for a block of zeros
 * @throws {Fault} `invalid_argument`
 */
export function readHeader(block: Buffer): TarHeader | undefined {
  if (block[0] === 0 && block.every((byte) => byte === 0)) return undefined;
  checkSum(block);
  const magic = block.toString("latin1", 257, 265);
  const named = text(block, 0, 100);
  const isPosix = magic.startsWith("ustar\0");
  const isGnu = magic === "ustar  \0";
  return {
    name: joined(isPosix || isGnu ? prefixOf(block, isPosix) : "", named),
    mode: readNumber(block, 100, 8) & 0o7777,
    uid: readNumber(block, 108, 8),
    gid: readNumber(block, 116, 8),
    sizeBytes: readNumber(block, 124, 12),
    modified: readNumber(block, 136, 12),
    type: String.fromCharCode(block[156] ?? 0),
    linkName: text(block, 157, 100),
    deviceMajor: isPosix || isGnu ? readNumber(block, 329, 8) : 0,
    deviceMinor: isPosix || isGnu ? readNumber(block, 337, 8) : 0,
  };
}

/** The bytes of a field up to its first NUL. */
export function text(block: Buffer, start: number, length: number): ByteName {
  const end = block.indexOf(0, start);
  return block.toString("latin1", start, end === -1 ? start + length : Math.min(end, start + length));
}

function prefixOf(block: Buffer, isPosix: boolean): ByteName {
  if (isPosix) return text(block, 345, block.toString("latin1", 508, 512) === "tar\0" ? 131 : 155);
  // GNU keeps times there. Go wrote prefixes into GNU headers until 1.8, and images of that time are still around.
  return looksNumeric(block, 345, 24) || (block[345] ?? 0) >= 0x80 ? "" : text(block, 345, 155);
}

function joined(prefix: ByteName, name: ByteName): ByteName {
  return prefix === "" ? name : `${prefix}/${name}`;
}

function checkSum(block: Buffer): void {
  const sum = readNumber(block, 148, 8);
  let found = 8 * 0x20;
  for (let index = 0; index < 148; index += 1) found += block[index] ?? 0;
  for (let index = 156; index < blockBytes; index += 1) found += block[index] ?? 0;
  if (sum === found) return;
  // Some old programs summed signed bytes.
  for (const [index, byte] of block.entries())
    if (byte >= 0x80 && (index < 148 || index >= 156)) found -= 0x100;
  if (sum !== found)
    throw new Fault("invalid_argument", "Cannot read tar header: its checksum does not match");
}
