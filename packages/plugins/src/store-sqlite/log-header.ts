import { closeSync, openSync, readSync } from "node:fs";
import { Fault } from "@slipway/fault/fault";
import { isSystemError } from "@slipway/linux/system-call";

const HEADER_BYTES = 32;
/** With its last bit set, sums are of big-endian words. https://www.sqlite.org/fileformat2.html#walformat */
const MAGIC = 0x377f0682;
const VERSION = 3_007_000;
const CHECKED_BYTES = 24;

/**
 * Looks at the header of a write-ahead log. SQLite takes a log with a damaged header for an empty one: what was written last
 * would be gone without a word, and its files would be garbage. A power cut leaves a whole header, an old or a new one, or
 * one that was never written.
 * @throws {Fault} `data_loss`
 */
export function checkLogHeader(path: string): void {
  const header = readHeader(path);
  if (!header || header.every((byte) => byte === 0) || isWhole(header)) return;
  throw new Fault(
    "data_loss",
    `Cannot open store: its log "${path}" is damaged, and has what was written last. ` +
      "Restore it, or move it away to go on without",
  );
}

/** Undefined if there is none, or no log either. */
function readHeader(path: string): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (error) {
    if (isSystemError(error, "ENOENT")) return undefined;
    throw error;
  }
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    return readSync(fd, header) < HEADER_BYTES ? undefined : header;
  } finally {
    closeSync(fd);
  }
}

function isWhole(header: Buffer): boolean {
  const magic = header.readUInt32BE(0);
  if (magic >>> 1 !== MAGIC >>> 1 || header.readUInt32BE(4) !== VERSION) return false;
  const isBigEndian = (magic & 1) === 1;
  let [first, second] = [0, 0];
  for (let at = 0; at < CHECKED_BYTES; at += 8) {
    const word = (offset: number): number =>
      isBigEndian ? header.readUInt32BE(offset) : header.readUInt32LE(offset);
    first = (first + word(at) + second) >>> 0;
    second = (second + word(at + 4) + first) >>> 0;
  }
  return first === header.readUInt32BE(24) && second === header.readUInt32BE(28);
}
