/** A part of a blob that arrives ahead of its reader, and waits in memory. Read once, in order. */
export class Chunk implements AsyncIterable<Uint8Array> {
  readonly start: number;
  readonly end: number;
  /** Bytes that have come and were not read yet. */
  waiting = 0;
  readonly #pieces: Uint8Array[] = [];
  #received = 0;
  #ended = false;
  #isGivenUp = false;
  #wake: () => void = () => {};

  constructor(start: number, end: number) {
    this.start = start;
    this.end = end;
  }

  /** Bytes that have not come. */
  get missing(): number {
    return this.end - this.start - this.#received;
  }

  get hasBegun(): boolean {
    return this.#received > 0;
  }

  /** Whether nobody wants it any more. */
  get isGivenUp(): boolean {
    return this.#isGivenUp;
  }

  /** Nothing has come, and nothing will. */
  get isEmpty(): boolean {
    return this.#ended && this.#received === 0;
  }

  /** @returns whether all of it belonged here, and more may come */
  push(piece: Uint8Array): boolean {
    if (this.#isGivenUp) return false;
    const fitting = piece.subarray(0, this.missing);
    this.#pieces.push(fitting);
    this.#received += fitting.length;
    this.waiting += fitting.length;
    this.#wake();
    return fitting.length === piece.length;
  }

  giveUp(): void {
    this.#isGivenUp = true;
  }

  /** Nothing more comes: all has, or its connection is gone. The reader gets what is here. */
  finish(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece) {
        this.waiting -= piece.length;
        yield piece;
      } else if (this.#ended || this.missing === 0) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
