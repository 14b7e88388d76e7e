import { closeSync, existsSync, openSync, readSync, watch } from "node:fs";
import { dirname } from "node:path";
import type { LogStream } from "./json-log.ts";

export interface LogEntry {
  readonly log: string;
  readonly stream: LogStream;
  readonly time: Date;
}

export interface ReadLogOptions {
  /** At most so many lines of those that are there already. */
  readonly tail: number;
  /** Goes on with lines that are added, until this aborts. */
  readonly follow?: AbortSignal;
}

const chunkBytes = 64 * 1024;

/** The entries of a json-file log. A log that was not begun yet is empty. */
export async function* readLog(file: string, { tail, follow }: ReadLogOptions): AsyncGenerator<LogEntry> {
  if (!follow && !existsSync(file)) return;
  let wake = (): void => {};
  const watcher = follow ? watch(dirname(file), () => wake()) : undefined;
  try {
    const reader = new LineReader(file);
    using _ = reader;
    const last: string[] = [];
    for (const line of reader.lines()) {
      last.push(line);
      if (last.length > tail) last.shift();
    }
    yield* last.flatMap(entryOf);
    if (!follow) return;
    for (;;) {
      const { aborted } = follow;
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
        follow.addEventListener("abort", () => resolve(), { once: true });
      });
      for (const line of reader.lines()) yield* entryOf(line);
      // What was written before the end is read after it was seen.
      if (aborted) return;
      await changed;
    }
  } finally {
    watcher?.close();
  }
}

function entryOf(line: string): LogEntry[] {
  if (line === "") return [];
  const { log, stream, time } = JSON.parse(line) as { log: string; stream: LogStream; time: string };
  return [{ log, stream, time: new Date(time) }];
}

/** Gives whole lines as the file has them; what has no end yet waits. */
class LineReader implements Disposable {
  readonly #file: string;
  readonly #buffer = Buffer.alloc(chunkBytes);
  #fd: number | undefined;
  #rest = Buffer.alloc(0);

  constructor(file: string) {
    this.#file = file;
  }

  *lines(): Generator<string> {
    if (this.#fd === undefined && existsSync(this.#file)) this.#fd = openSync(this.#file, "r");
    if (this.#fd === undefined) return;
    for (;;) {
      const length = readSync(this.#fd, this.#buffer, 0, chunkBytes, null);
      if (length === 0) return;
      this.#rest = Buffer.concat([this.#rest, this.#buffer.subarray(0, length)]);
      for (let end = this.#rest.indexOf(10); end >= 0; end = this.#rest.indexOf(10)) {
        yield this.#rest.subarray(0, end).toString();
        this.#rest = this.#rest.subarray(end + 1);
      }
    }
  }

  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}
