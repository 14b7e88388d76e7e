import { dirname } from "node:path";
import { messageOf } from "@slipway/fault/fault";
import { JsonLog, type LogStream } from "@slipway/logs/json-log";
import { parseLogUri } from "@slipway/logs/log-uri";
import { makeDirectories } from "@slipway/linux/make-directories";
import { AttachServer } from "./attach-server.ts";

/** Where the output of a process with a `json-file://` URI goes: its log, and who is attached. */
export class LogSink {
  readonly #log: JsonLog;
  readonly #attach: AttachServer | undefined;
  #isOpen = true;
  #isFailing = false;

  private constructor(log: JsonLog, attach: AttachServer | undefined) {
    this.#log = log;
    this.#attach = attach;
  }

  static async open(uri: string): Promise<LogSink> {
    const target = parseLogUri(uri);
    makeDirectories(dirname(target.file), 0o700);
    const attach = target.attach === undefined ? undefined : await AttachServer.open(target.attach);
    return new LogSink(new JsonLog(target.file, target), attach);
  }

  /**
   * A log that cannot be written, on a full disk say, must not stop the process, nor keep its output from who is attached.
   * @returns what to wait for before more is written
   */
  write(stream: LogStream, chunk: Uint8Array): Promise<unknown> | undefined {
    if (!this.#isOpen) return undefined;
    this.#writeLog(() => this.#log.write(stream, chunk));
    return this.#attach?.send(stream, chunk);
  }

  /** Writes what has no line end. Once is enough. */
  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#writeLog(() => this.#log[Symbol.dispose]());
    this.#attach?.end();
  }

  /** Says once that it fails, until it succeeds again. */
  #writeLog(write: () => void): void {
    try {
      write();
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) process.stderr.write(`cannot write a log: ${messageOf(error)}\n`);
      this.#isFailing = true;
    }
  }
}
