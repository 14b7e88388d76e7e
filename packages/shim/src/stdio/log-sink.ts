import { dirname } from "node:path";
import { JsonLog, type LogStream } from "@slipway/logs/json-log";
import { parseLogUri } from "@slipway/logs/log-uri";
import { AttachServer } from "./attach-server.ts";
import { makeFolder } from "./make-folder.ts";

/** Where the output of a process with a `json-file://` URI goes: its log, and who is attached. */
export class LogSink {
  readonly #log: JsonLog;
  readonly #attach: AttachServer | undefined;
  #isOpen = true;

  private constructor(log: JsonLog, attach: AttachServer | undefined) {
    this.#log = log;
    this.#attach = attach;
  }

  static async open(uri: string): Promise<LogSink> {
    const target = parseLogUri(uri);
    makeFolder(dirname(target.file), 0o700);
    const attach = target.attach === undefined ? undefined : await AttachServer.open(target.attach);
    return new LogSink(new JsonLog(target.file, target), attach);
  }

  /** @returns what to wait for before more is written */
  write(stream: LogStream, chunk: Uint8Array): Promise<unknown> | undefined {
    if (!this.#isOpen) return undefined;
    this.#log.write(stream, chunk);
    return this.#attach?.send(stream, chunk);
  }

  /** Writes what has no line end. Once is enough. */
  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#log[Symbol.dispose]();
    this.#attach?.end();
  }
}
