import { closeSync, openSync, writeSync } from "node:fs";

export type LogStream = "stdout" | "stderr";

/** Docker cuts longer lines at this length, too. */
const longestLineBytes = 16 * 1024;

/** Writes Docker's json-file format: an object a line with `log`, `stream` and `time`. */
export class JsonLog implements Disposable {
  readonly #fd: number;
  readonly #pending: Record<LogStream, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };

  constructor(file: string) {
    this.#fd = openSync(file, "a", 0o640);
  }

  /** Takes output as it comes; a line without its end waits for it. */
  write(stream: LogStream, chunk: Uint8Array): void {
    let rest: Buffer = Buffer.concat([this.#pending[stream], chunk]);
    let text = "";
    for (;;) {
      const newline = rest.indexOf(10);
      const length = newline < 0 ? longestLineBytes : Math.min(newline + 1, longestLineBytes);
      if (rest.length < length || (newline < 0 && rest.length < longestLineBytes)) break;
      text += entry(stream, rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    this.#pending[stream] = rest;
    if (text !== "") writeSync(this.#fd, text);
  }

  /** Writes what has no line end. */
  [Symbol.dispose](): void {
    for (const stream of ["stdout", "stderr"] as const) {
      if (this.#pending[stream].length > 0) writeSync(this.#fd, entry(stream, this.#pending[stream]));
    }
    closeSync(this.#fd);
  }
}

function entry(stream: LogStream, line: Buffer): string {
  return `${JSON.stringify({ log: line.toString(), stream, time: new Date().toISOString() })}\n`;
}
