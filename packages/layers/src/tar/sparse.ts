import { Fault } from "@slipway/fault/fault";
import type { SparseRegion } from "./entry.ts";
import { readNumber } from "./numbers.ts";

/*
 * The four ways to write a sparse file: GNU's old one (regions in the header and in blocks after it), and GNU's in
 * pax: 0.0 and 0.1 (regions in records), 1.0 (regions before the data). Defined by GNU tar's manual, "Sparse Formats".
 */

/** The regions of an old GNU header or of one of its extension blocks, and whether an extension block follows. */
export function readOldRegions(
  block: Buffer,
  start: number,
  count: number,
): { regions: SparseRegion[]; more: boolean } {
  const regions: SparseRegion[] = [];
  for (let index = 0; index < count; index += 1) {
    const at = start + index * 24;
    if (block[at] === 0) break;
    regions.push({ offset: readNumber(block, at, 12), length: readNumber(block, at + 12, 12) });
  }
  return { regions, more: (block[start + count * 24] ?? 0) !== 0 };
}

/** The regions of a list "OFFSET,LENGTH,OFFSET,LENGTH...". */
export function readRegionList(list: string): SparseRegion[] {
  return pairs(list === "" ? [] : list.split(","));
}

/** Reads the regions at the front of the data, block by block: a count and as many pairs, a number a line. */
export class RegionLines {
  readonly #numbers: string[] = [];
  #line = "";

  /** Adds a block. @returns the regions when they are complete; the rest of the block is padding */
  add(block: Buffer): SparseRegion[] | undefined {
    const lines = (this.#line + block.toString("latin1")).split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) {
      this.#numbers.push(line);
      if (this.#numbers.length === 1 + 2 * Number(this.#numbers[0])) return pairs(this.#numbers.slice(1));
    }
    if (this.#line.length > 16 || this.#numbers.length > maxNumbers) throw malformed();
    return undefined;
  }
}

const maxNumbers = 1 << 18;

/** @throws {Fault} `invalid_argument` unless the regions are in order, inside of the file and as long as the data. */
export function checkRegions(regions: readonly SparseRegion[], fileBytes: number, dataBytes: number): void {
  if (fileBytes < 0) throw malformed();
  let end = 0;
  let sum = 0;
  for (const { offset, length } of regions) {
    if (offset < end || length < 0 || offset + length > fileBytes) throw malformed();
    end = offset + length;
    sum += length;
  }
  if (sum !== dataBytes) throw malformed();
}

function pairs(numbers: readonly string[]): SparseRegion[] {
  if (numbers.length % 2 !== 0 || !numbers.every((number) => /^[0-9]{1,16}$/.test(number))) throw malformed();
  return Array.from({ length: numbers.length / 2 }, (_, index) => ({
    offset: Number(numbers[2 * index]),
    length: Number(numbers[2 * index + 1]),
  }));
}

function malformed(): Fault {
  return new Fault("invalid_argument", "Cannot read tar header: the map of a sparse file is malformed");
}
