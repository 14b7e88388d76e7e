import { Fault } from "@slipway/fault/fault";

/**
 * A number field: octal digits, or base 256 in two's complement when its first bit is set.
 * Defined by GNU tar's manual, "Basic Tar Format".
 */
export function readNumber(block: Buffer, start: number, length: number): number {
  const first = block[start] ?? 0;
  if ((first & 0x80) !== 0) return readBase256(block, start, length);
  let index = start;
  const end = start + length;
  while (index < end && (block[index] === SPACE || block[index] === 0)) index += 1;
  let value = 0;
  for (; index < end; index += 1) {
    const byte = block[index] ?? 0;
    if (byte === SPACE || byte === 0) break;
    if (byte < ZERO || byte > SEVEN) throw badNumber();
    value = value * 8 + (byte - ZERO);
  }
  return value;
}

/** True when a field may hold an octal number: what follows a wrong magic can be something else. */
export function looksNumeric(block: Buffer, start: number, length: number): boolean {
  return block
    .subarray(start, start + length)
    .every((byte) => byte === 0 || byte === SPACE || (byte >= ZERO && byte <= SEVEN));
}

/** Writes octal digits and a NUL, or base 256 when there are too many. */
export function writeNumber(block: Buffer, value: number, start: number, length: number): void {
  const digits = value.toString(8);
  if (value >= 0 && digits.length < length) {
    block.write(digits.padStart(length - 1, "0"), start, "latin1");
    return;
  }
  let rest = BigInt(value);
  for (let index = start + length - 1; index > start; index -= 1) {
    block[index] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  block[start] = value < 0 ? 0xff : 0x80;
}

function readBase256(block: Buffer, start: number, length: number): number {
  const first = block[start] ?? 0;
  // The first bit is the mark, the second the sign.
  let value = BigInt(first & 0x3f) - ((first & 0x40) === 0 ? 0n : 0x40n);
  for (let index = start + 1; index < start + length; index += 1)
    value = (value << 8n) | BigInt(block[index] ?? 0);
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw badNumber();
  return number;
}

const SPACE = 0x20;
const ZERO = 0x30;
const SEVEN = 0x37;

function badNumber(): Fault {
  return new Fault("invalid_argument", "Cannot read tar header: a number is malformed");
}
