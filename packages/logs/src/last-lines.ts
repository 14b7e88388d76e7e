import type { LogEntry } from "./entry.ts";

interface Piece {
  /** Its place among all entries: the pieces of two streams' lines may alternate. */
  readonly place: number;
  readonly entry: LogEntry;
}

/** The last lines of entries that are added in their order. A line that was cut into pieces counts once. */
export class LastLines {
  readonly #most: number;
  #lines: Piece[][] = [];
  /** The lines whose end has not come. */
  readonly #open = new Map<string, Piece[]>();
  #place = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get count(): number {
    return Math.min(this.#lines.length, this.#most);
  }

  get entries(): LogEntry[] {
    const pieces = this.#most === 0 ? [] : this.#lines.slice(-this.#most).flat();
    return pieces.toSorted((a, b) => a.place - b.place).map(({ entry }) => entry);
  }

  add(entry: LogEntry): void {
    let line = this.#open.get(entry.stream);
    if (!line) {
      line = [];
      this.#lines.push(line);
      this.#open.set(entry.stream, line);
    }
    line.push({ place: (this.#place += 1), entry });
    if (entry.log.endsWith("\n")) this.#open.delete(entry.stream);
    // Not at each line: that would copy them all again and again.
    if (this.#lines.length > 2 * this.#most)
      this.#lines = this.#most === 0 ? [] : this.#lines.slice(-this.#most);
  }
}
