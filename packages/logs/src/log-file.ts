import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { type LogEntry, parseEntry } from "./entry.ts";

const chunkBytes = 64 * 1024;

/** Called for each place of a log where there is no entry to be read. */
export type OnDamage = () => void;

/** A file of a log, held open: it stays the same, whatever it is renamed to. */
export class LogFile implements Disposable {
  readonly inode: number;
  readonly #fd: number;
  readonly #isCompressed: boolean;
  readonly #added = new WholeLines();
  readonly #onDamage: OnDamage;

  constructor(path: string, isCompressed: boolean, onDamage: OnDamage) {
    this.#onDamage = onDamage;
    this.#fd = openSync(path, "r");
    this.#isCompressed = isCompressed;
    this.inode = fstatSync(this.#fd).ino;
  }

  /** All of it, from the beginning. */
  async *entries(): AsyncGenerator<LogEntry> {
    const lines = new WholeLines();
    try {
      for await (const chunk of this.#chunks()) yield* this.#entriesOf(lines.add(chunk));
    } catch (error) {
      if (!isDamagedArchive(error)) throw error;
      this.#onDamage();
    }
  }

  /** The first line as it is: it tells the file, whatever it was renamed to, and compressed or not. */
  async firstLine(): Promise<string> {
    const lines = new WholeLines();
    try {
      for await (const chunk of this.#chunks()) for (const line of lines.add(chunk)) return line;
    } catch (error) {
      if (!isDamagedArchive(error)) throw error;
    }
    return "";
  }

  /** What was added since the last call. */
  *added(): Generator<LogEntry> {
    const buffer = Buffer.alloc(chunkBytes);
    for (let length = chunkBytes; length > 0;) {
      length = readSync(this.#fd, buffer, 0, chunkBytes, null);
      yield* this.#entriesOf(this.#added.add(buffer.subarray(0, length)));
    }
  }

  *#entriesOf(lines: Iterable<string>): Generator<LogEntry> {
    for (const line of lines) {
      const entry = parseEntry(line);
      if (entry) yield entry;
      // One that is empty ended a line that was torn.
      else if (line !== "") this.#onDamage();
    }
  }

  #chunks(): AsyncIterable<Buffer> {
    const bytes = this.#bytes();
    // Who reads sees the error.
    return this.#isCompressed ? pipeline(bytes, createGunzip(), () => {}) : bytes;
  }

  /** No ReadStream: that one closes the descriptor. */
  async *#bytes(): AsyncGenerator<Buffer> {
    for (let at = 0; ;) {
      const buffer = Buffer.alloc(chunkBytes);
      const length = readSync(this.#fd, buffer, 0, chunkBytes, at);
      if (length === 0) return;
      yield buffer.subarray(0, length);
      at += length;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

function isDamagedArchive(error: unknown): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith("Z_");
}

/** Gives whole lines; what has no end yet waits. */
class WholeLines {
  #rest: Buffer[] = [];

  *add(chunk: Buffer): Generator<string> {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const last = chunk.subarray(start, end);
      yield (this.#rest.length === 0 ? last : Buffer.concat([...this.#rest.splice(0), last])).toString();
      start = end + 1;
    }
    // A copy: the reader's buffer is used again.
    if (start < chunk.length) this.#rest.push(Buffer.from(chunk.subarray(start)));
  }
}
