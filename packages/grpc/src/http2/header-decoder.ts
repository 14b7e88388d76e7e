import { decodeHuffman } from "./huffman.ts";
import { ConnectionError, ErrorCode } from "./protocol.ts";
import { staticTable } from "./static-table.ts";

/** A header's name and its value, one character a byte. */
export type Field = readonly [name: string, value: string];

/** What a table may hold, as RFC 7541 counts, unless settings say otherwise. */
const tableBytes = 4096;
/** For each field of the table. */
const fieldOverhead = 32;

/** Reads the header blocks of one connection, one after the other: RFC 7541. */
export class HeaderDecoder {
  readonly #maxBytes: number;
  /** The latest first. */
  readonly #dynamic: Field[] = [];
  #dynamicBytes = 0;
  #limit = tableBytes;

  /** @param maxBytes that the fields of one block may have when they are decoded */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws {ConnectionError} for a block that cannot be read: what follows could not be, either */
  decode(block: Uint8Array): Field[] {
    const reader = new BlockReader(block);
    const fields: Field[] = [];
    let bytes = 0;
    while (!reader.isAtEnd) {
      const field = this.#next(reader, fields.length === 0);
      if (!field) continue;
      fields.push(field);
      bytes += sizeOf(field);
      if (bytes > this.#maxBytes)
        throw new ConnectionError(ErrorCode.enhanceYourCalm, "headers are too long");
    }
    return fields;
  }

  /** Nothing where the table's size changes. */
  #next(reader: BlockReader, isFirst: boolean): Field | undefined {
    const kind = reader.peek();
    if (kind & 0x80) return this.#at(reader.number(7));
    if (kind & 0x40) {
      const field = this.#literal(reader, 6);
      this.#add(field);
      return field;
    }
    if (!(kind & 0x20)) return this.#literal(reader, 4);
    const limit = reader.number(5);
    if (limit > tableBytes || !isFirst) throw broken("a table size that was not agreed on");
    this.#limit = limit;
    this.#evict();
    return undefined;
  }

  #literal(reader: BlockReader, prefixBits: number): Field {
    const index = reader.number(prefixBits);
    const name = index === 0 ? reader.text() : this.#at(index)[0];
    return [name, reader.text()];
  }

  #at(index: number): Field {
    const field = staticTable[index - 1] ?? this.#dynamic[index - 1 - staticTable.length];
    if (!field) throw broken("an index that no table has");
    return field;
  }

  #add(field: Field): void {
    this.#dynamic.unshift(field);
    this.#dynamicBytes += sizeOf(field);
    this.#evict();
  }

  #evict(): void {
    while (this.#dynamicBytes > this.#limit) {
      const oldest = this.#dynamic.pop();
      if (!oldest) return;
      this.#dynamicBytes -= sizeOf(oldest);
    }
  }
}

/** Numbers and strings of a block. */
class BlockReader {
  readonly #block: Uint8Array;
  #at = 0;

  constructor(block: Uint8Array) {
    this.#block = block;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#block.length;
  }

  peek(): number {
    const byte = this.#block[this.#at];
    if (byte === undefined) throw broken("a block that is cut off");
    return byte;
  }

  /** A number that begins in the last bits of a byte. */
  number(prefixBits: number): number {
    const most = 2 ** prefixBits - 1;
    let value = this.#byte() & most;
    if (value < most) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw broken("a number that is too large");
  }

  text(): string {
    const isCompressed = (this.peek() & 0x80) !== 0;
    const length = this.number(7);
    const bytes = this.#block.subarray(this.#at, this.#at + length);
    if (bytes.length < length) throw broken("a block that is cut off");
    this.#at += length;
    if (!isCompressed) return Buffer.from(bytes.buffer, bytes.byteOffset, length).toString("latin1");
    const text = decodeHuffman(bytes);
    if (text === undefined) throw broken("a wrong Huffman code");
    return text;
  }

  #byte(): number {
    const byte = this.peek();
    this.#at += 1;
    return byte;
  }
}

function sizeOf([name, value]: Field): number {
  return name.length + value.length + fieldOverhead;
}

function broken(what: string): ConnectionError {
  return new ConnectionError(ErrorCode.compressionError, `headers with ${what}`);
}
