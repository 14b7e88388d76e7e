import { crc32 } from "node:zlib";

/** RFC 1952, 2.3.1. */
const FLAG = { CHECK: 2, EXTRA: 4, NAME: 8, COMMENT: 16, RESERVED: 0xe0 } as const;
const fixedBytes = 10;
const maxBytes = 1 << 18;

/** How long the header is that a gzip member begins with; nothing while it is not complete. @throws {Error} when it is none */
export function gzipHeaderBytes(start: Uint8Array): number | undefined {
  const [first, second, method, flags = 0] = start;
  if (start.length < fixedBytes) return undefined;
  if (first !== 0x1f || second !== 0x8b) throw new Error("invalid data (no gzip header)");
  if (method !== 8 || (flags & FLAG.RESERVED) !== 0) throw new Error("invalid data (unknown gzip header)");
  let end: number | undefined = fixedBytes;
  if ((flags & FLAG.EXTRA) !== 0) end = afterExtra(start, end);
  if ((flags & FLAG.NAME) !== 0) end = afterText(start, end);
  if ((flags & FLAG.COMMENT) !== 0) end = afterText(start, end);
  if ((flags & FLAG.CHECK) !== 0) end = afterCheck(start, end);
  if (end !== undefined && end <= start.length) return end;
  if (start.length > maxBytes) throw new Error("invalid data (endless gzip header)");
  return undefined;
}

function afterExtra(start: Uint8Array, at: number): number | undefined {
  const [low, high] = start.subarray(at);
  return low === undefined || high === undefined ? undefined : at + 2 + low + 256 * high;
}

function afterText(start: Uint8Array, at: number | undefined): number | undefined {
  const end = at === undefined ? -1 : start.indexOf(0, at);
  return end === -1 ? undefined : end + 1;
}

function afterCheck(start: Uint8Array, at: number | undefined): number | undefined {
  if (at === undefined || at + 2 > start.length) return undefined;
  const [low = 0, high = 0] = start.subarray(at);
  if ((crc32(start.subarray(0, at)) & 0xffff) !== low + 256 * high)
    throw new Error("invalid data (damaged gzip header)");
  return at + 2;
}
