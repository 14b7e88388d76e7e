import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { now } from "@slipway/fault/precise-date";
import { formatEntry, type LogStream } from "./entry.ts";
import { Lines } from "./lines.ts";
import { defaultLimits, type LogLimits } from "./log-uri.ts";
import { compressRotated, rotate } from "./rotation.ts";

export type { LogStream } from "./entry.ts";

/**
 * Writes Docker's json-file format, an object a line with `log`, `stream` and `time`, and puts full files aside:
 * moby, daemon/logger/jsonfilelog and loggerutils. Writes are synchronous: they end in the page cache, in a few
 * microseconds a chunk, and a log that is written late is one that a crash loses.
 */
export class JsonLog implements Disposable {
  readonly #file: string;
  readonly #limits: LogLimits;
  readonly #lines: Record<LogStream, Lines> = { stdout: new Lines(), stderr: new Lines() };
  #fd: number;
  #sizeBytes: number;
  #compression = Promise.resolve();

  constructor(file: string, limits: LogLimits = defaultLimits) {
    this.#file = file;
    this.#limits = limits;
    this.#fd = openSync(file, "a+", 0o640);
    this.#sizeBytes = fstatSync(this.#fd).size;
    // A power cut may have torn the last line: what comes now must not become a part of it.
    if (this.#sizeBytes > 0 && !endsLine(this.#fd, this.#sizeBytes))
      this.#sizeBytes += writeSync(this.#fd, "\n");
  }

  /** Settles when nothing is being compressed any more. */
  get compressed(): Promise<void> {
    return this.#compression;
  }

  /** Takes output as it comes; a line without its end waits for it. */
  write(stream: LogStream, chunk: Uint8Array): void {
    this.#append(stream, this.#lines[stream].cut(chunk));
  }

  /** Writes what has no line end. */
  [Symbol.dispose](): void {
    for (const stream of ["stdout", "stderr"] as const) this.#append(stream, this.#lines[stream].last());
    closeSync(this.#fd);
  }

  #append(stream: LogStream, lines: Iterable<Buffer>): void {
    let text = "";
    let sizeBytes = 0;
    const flush = (): void => {
      if (text !== "") writeSync(this.#fd, text);
      this.#sizeBytes += sizeBytes;
      [text, sizeBytes] = ["", 0];
    };
    for (const line of lines) {
      const entry = formatEntry({ log: line.toString(), stream, time: now().toISOString() });
      const length = Buffer.byteLength(entry);
      const before = this.#sizeBytes + sizeBytes;
      if (before > 0 && before + length > this.#limits.maxBytes) {
        flush();
        this.#rotate();
      }
      text += entry;
      sizeBytes += length;
    }
    flush();
  }

  #rotate(): void {
    const { ino } = fstatSync(this.#fd);
    closeSync(this.#fd);
    rotate(this.#file, this.#limits);
    this.#fd = openSync(this.#file, "a", 0o640);
    this.#sizeBytes = 0;
    if (!this.#limits.compress || this.#limits.maxFiles === 1) return;
    // One that cannot be compressed stays as it is.
    this.#compression = this.#compression.then(() => compressRotated(this.#file, ino)).catch(() => {});
  }
}

function endsLine(fd: number, sizeBytes: number): boolean {
  const last = Buffer.alloc(1);
  return readSync(fd, last, 0, 1, sizeBytes - 1) === 1 && last[0] === 10;
}
