import { watch } from "node:fs";
import { dirname } from "node:path";
import type { LogEntry } from "./entry.ts";
import { LogChain } from "./log-chain.ts";

export type { LogEntry } from "./entry.ts";

export interface ReadLogOptions {
  /** At most so many lines of those that are there already; Infinity for all. */
  readonly tail: number;
  readonly since?: Date;
  readonly until?: Date;
  /** Goes on with lines that are added, until this aborts. The log's folder must be there. */
  readonly follow?: AbortSignal;
  /** Called for each place of the log where there is no entry to be read: a crash may have torn it. */
  readonly onDamage?: () => void;
}

/**
 * The entries of a json-file log, from its oldest file on. A log that was not begun yet is empty. Any number of readers may
 * read while it is written and rotated. The order is that of the files: a clock that was set back makes later entries look older.
 */
export async function* readLog(file: string, options: ReadLogOptions): AsyncGenerator<LogEntry> {
  const [since, until] = [options.since?.getTime() ?? -Infinity, options.until?.getTime() ?? Infinity];
  for await (const entry of entriesOf(file, options)) {
    const time = Date.parse(entry.time);
    if (time >= since && time <= until) yield entry;
  }
}

async function* entriesOf(
  file: string,
  { tail, follow, onDamage = () => {} }: ReadLogOptions,
): AsyncGenerator<LogEntry> {
  // Watching begins before reading, so that nothing falls in between.
  using changes = follow ? new Changes(dirname(file), follow) : undefined;
  let chain = LogChain.open(file, onDamage);
  try {
    if (tail === Infinity) yield* chain.entries();
    else yield* await chain.last(tail);
    if (!changes) return;
    for (;;) {
      const { areOver } = changes;
      const { isRotated } = chain;
      // What was written before it was put aside, or before the end, is read after that was seen.
      yield* chain.added();
      if (isRotated) {
        const read = await chain.mark();
        chain[Symbol.dispose]();
        chain = LogChain.open(file, onDamage);
        yield* chain.after(read);
      }
      if (areOver) return;
      await changes.next();
    }
  } finally {
    chain[Symbol.dispose]();
  }
}

/** Tells when something in a folder has changed, until a signal aborts. */
class Changes implements Disposable {
  readonly #watcher;
  readonly #end: AbortSignal;
  readonly #wake = (): void => {
    this.#isPending = true;
    this.#waiting?.();
  };
  #isPending = false;
  #waiting: (() => void) | undefined;

  constructor(folder: string, end: AbortSignal) {
    this.#watcher = watch(folder, this.#wake);
    this.#end = end;
    end.addEventListener("abort", this.#wake);
  }

  get areOver(): boolean {
    return this.#end.aborted;
  }

  async next(): Promise<void> {
    if (!this.#isPending) await new Promise<void>((resolve) => (this.#waiting = resolve));
    this.#isPending = false;
  }

  [Symbol.dispose](): void {
    this.#watcher.close();
    this.#end.removeEventListener("abort", this.#wake);
  }
}
