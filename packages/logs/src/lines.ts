/** Docker cuts longer lines at this length, too. */
const longestBytes = 16 * 1024;

/** Cuts output into lines, as it comes: a line without its end waits for it, a long one is cut. */
export class Lines {
  #rest: Buffer = Buffer.alloc(0);

  *cut(chunk: Uint8Array): Generator<Buffer> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let all: Buffer = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const newline = all.indexOf(10);
      if (newline < 0 && all.length < longestBytes) break;
      const length = newline < 0 ? longestBytes : Math.min(newline + 1, longestBytes);
      yield all.subarray(0, length);
      all = all.subarray(length);
    }
    // A copy: a few bytes must not hold the whole chunk.
    this.#rest = Buffer.from(all);
  }

  /** What has no end. */
  *last(): Generator<Buffer> {
    if (this.#rest.length > 0) yield this.#rest;
    this.#rest = Buffer.alloc(0);
  }
}
