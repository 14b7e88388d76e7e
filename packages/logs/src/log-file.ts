import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { type LogEntry, parseEntry } from "./entry.ts";

const chunkBytes = 64 * 1024;

/** A file of a log, held open: it stays the same, whatever it is renamed to. */
export class LogFile implements Disposable {
  readonly inode: number;
  readonly #fd: number;
  readonly #isCompressed: boolean;
  readonly #added = new WholeLines();

  constructor(path: string, isCompressed: boolean) {
    this.#fd = openSync(path, "r");
    this.#isCompressed = isCompressed;
    this.inode = fstatSync(this.#fd).ino;
  }

  /** All of it, from the beginning. */
  async *entries(): AsyncGenerator<LogEntry> {
    const lines = new WholeLines();
    for await (const chunk of this.#chunks()) yield* entriesOf(lines.add(chunk));
  }

  /** What was added since the last call. */
  *added(): Generator<LogEntry> {
    const buffer = Buffer.alloc(chunkBytes);
    for (let length = chunkBytes; length > 0;) {
      length = readSync(this.#fd, buffer, 0, chunkBytes, null);
      yield* entriesOf(this.#added.add(buffer.subarray(0, length)));
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

function* entriesOf(lines: Iterable<string>): Generator<LogEntry> {
  for (const line of lines) {
    const entry = parseEntry(line);
    if (entry) yield entry;
  }
}

/** Gives whole lines; what has no end yet waits. */
class WholeLines {
  #rest: Buffer = Buffer.alloc(0);

  *add(chunk: Buffer): Generator<string> {
    const all = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let start = 0;
    for (let end = all.indexOf(10); end >= 0; end = all.indexOf(10, start)) {
      yield all.toString("utf8", start, end);
      start = end + 1;
    }
    this.#rest = Buffer.from(all.subarray(start));
  }
}
