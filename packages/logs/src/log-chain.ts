import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { LogEntry } from "./entry.ts";
import { LogFile } from "./log-file.ts";
import { rotatedFiles } from "./rotation.ts";

/** All files of a log at one moment, held open. */
export class LogChain implements Disposable {
  readonly #file: string;
  /** The oldest first. */
  readonly #rotated: readonly LogFile[];
  readonly #current: LogFile | undefined;

  private constructor(file: string, rotated: readonly LogFile[], current: LogFile | undefined) {
    this.#file = file;
    this.#rotated = rotated;
    this.#current = current;
  }

  static open(file: string): LogChain {
    if (!existsSync(dirname(file))) return new LogChain(file, [], undefined);
    for (;;) {
      using opened = new DisposableStack();
      const open = (path: string, isCompressed: boolean): LogFile | undefined => {
        const found = openIfThere(path, isCompressed);
        return found && opened.use(found);
      };
      const current = open(file, false);
      const rotated = rotatedFiles(file).toReversed();
      const files = rotated.flatMap(({ path, isCompressed }) => open(path, isCompressed) ?? []);
      const chain = new LogChain(file, files, current);
      // It was rotated, or a part compressed, in between: again.
      if (files.length < rotated.length || chain.isRotated) continue;
      opened.move();
      return chain;
    }
  }

  /** Whether the file that was the youngest no longer is. */
  get isRotated(): boolean {
    return statSync(this.#file, { throwIfNoEntry: false })?.ino !== this.#current?.inode;
  }

  async *entries(): AsyncGenerator<LogEntry> {
    for (const file of this.#rotated) yield* file.entries();
    yield* this.added();
  }

  /** The last ones of those that are there. */
  async last(count: number): Promise<LogEntry[]> {
    const found = new LastEntries(count);
    for (const entry of this.added()) found.add(entry);
    let entries = found.entries;
    for (const file of this.#rotated.toReversed()) {
      if (entries.length >= count) break;
      const older = new LastEntries(count - entries.length);
      for await (const entry of file.entries()) older.add(entry);
      entries = [...older.entries, ...entries];
    }
    return entries;
  }

  /** Those of the files that a time does not precede: others have been read when an entry of that time was. */
  async *since(time: string): AsyncGenerator<LogEntry> {
    let first = this.#rotated.length;
    for (const file of this.#rotated.toReversed()) {
      first -= 1;
      if ((await firstTime(file)) <= time) break;
    }
    for (const file of this.#rotated.slice(first)) yield* file.entries();
    yield* this.added();
  }

  /** What was written to the youngest file since it was last read. */
  added(): Iterable<LogEntry> {
    return this.#current?.added() ?? [];
  }

  [Symbol.dispose](): void {
    for (const file of this.#rotated) file[Symbol.dispose]();
    this.#current?.[Symbol.dispose]();
  }
}

class LastEntries {
  readonly #count: number;
  #entries: LogEntry[] = [];

  constructor(count: number) {
    this.#count = count;
  }

  get entries(): LogEntry[] {
    return this.#count === 0 ? [] : this.#entries.slice(-this.#count);
  }

  add(entry: LogEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length >= 2 * this.#count + 1) this.#entries = this.entries;
  }
}

async function firstTime(file: LogFile): Promise<string> {
  for await (const { time } of file.entries()) return time;
  return "";
}

function openIfThere(path: string, isCompressed: boolean): LogFile | undefined {
  try {
    return new LogFile(path, isCompressed);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
