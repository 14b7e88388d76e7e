import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { LogEntry } from "./entry.ts";
import { LastLines } from "./last-lines.ts";
import { LogFile, type OnDamage } from "./log-file.ts";
import { type RotatedFile, rotatedFiles } from "./rotation.ts";

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

  static open(file: string, onDamage: OnDamage): LogChain {
    if (!existsSync(dirname(file))) return new LogChain(file, [], undefined);
    for (;;) {
      using opened = new DisposableStack();
      const open = (path: string, isCompressed: boolean): LogFile | undefined => {
        const found = openIfThere(path, isCompressed, onDamage);
        return found && opened.use(found);
      };
      const current = open(file, false);
      const rotated = rotatedFiles(file).filter(isOnce).toReversed();
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

  /** The entries of the last lines of those that are there. */
  async last(lineCount: number): Promise<LogEntry[]> {
    // A line may begin in the file before, one of each stream: two more lines than asked for are whole ones.
    let entries = lastLines(lineCount + 2, this.added()).entries;
    for (const file of this.#rotated.toReversed()) {
      if (lastLines(lineCount + 2, entries).count === lineCount + 2) break;
      const older = new LastLines(lineCount + 2);
      for await (const entry of file.entries()) older.add(entry);
      entries = [...older.entries, ...entries];
    }
    return lastLines(lineCount, entries).entries;
  }

  /** What tells the youngest file from others, also when it has another name by then. */
  async mark(): Promise<string> {
    return (await this.#current?.firstLine()) ?? "";
  }

  /** The entries of the files that are younger than the marked one. */
  async *after(mark: string): AsyncGenerator<LogEntry> {
    let first = this.#rotated.length;
    for (const file of this.#rotated.toReversed()) {
      if ((await file.firstLine()) === mark) break;
      first -= 1;
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

function lastLines(count: number, entries: Iterable<LogEntry>): LastLines {
  const lines = new LastLines(count);
  for (const entry of entries) lines.add(entry);
  return lines;
}

/** For a moment, or for good after a crash, a file that was compressed is there twice. */
function isOnce({ number, isCompressed }: RotatedFile, _index: number, all: readonly RotatedFile[]): boolean {
  return !isCompressed || !all.some((other) => other.number === number && !other.isCompressed);
}

function openIfThere(path: string, isCompressed: boolean, onDamage: OnDamage): LogFile | undefined {
  try {
    return new LogFile(path, isCompressed, onDamage);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
