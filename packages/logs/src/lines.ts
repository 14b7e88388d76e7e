/** Docker cuts longer lines at this length, too. */
const longestBytes = 16 * 1024;

/** Cuts output into lines, as it comes: a line without its end waits for it, a long one is cut between two letters. */
export class Lines {
  #rest: Buffer = Buffer.alloc(0);

  *cut(chunk: Uint8Array): Generator<Buffer> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let all: Buffer = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const newline = all.indexOf(10);
      if (newline < 0 && all.length < longestBytes) break;
      const isShort = newline >= 0 && newline < longestBytes;
      const length = isShort ? newline + 1 : letterStart(all, longestBytes);
      yield all.subarray(0, length);
      all = all.subarray(length);
    }
    // A copy: a few bytes must not hold the whole chunk.
    this.#rest = Buffer.from(all);
  }

  /** What has no end: it gets one, as in Docker's and nerdctl's logs, so that the next run's output is a line of its own. */
  *last(): Generator<Buffer> {
    if (this.#rest.length > 0) yield Buffer.concat([this.#rest, Buffer.of(10)]);
    this.#rest = Buffer.alloc(0);
  }
}

/** The last place at or before `at` where no letter of UTF-8 is torn; `at` itself in what is not UTF-8. */
function letterStart(bytes: Buffer, at: number): number {
  for (let start = at; start > at - longestLetterBytes; start -= 1) {
    const byte = bytes[start];
    // All bytes of a letter but its first begin with these two bits.
    if (byte === undefined || (byte & 0b1100_0000) !== 0b1000_0000) return start;
  }
  return at;
}
const longestLetterBytes = 4;
