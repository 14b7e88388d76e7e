import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { PassThrough, type Writable } from "node:stream";
import type { ProcessIo } from "@slipway/core/tasks";
import { Fault, messageOf } from "@slipway/fault/fault";
import { parseLogUri } from "@slipway/logs/log-uri";
import type { ProcessStreams } from "./process-streams.ts";
import { openWriter } from "./stdio.ts";

/** The streams of a process whose output our shim writes to its log: it shows them to any number of clients. */
export class LoggedStreams implements ProcessStreams {
  readonly io: ProcessIo;
  readonly stdout = new PassThrough();
  readonly stderr: PassThrough | undefined;
  readonly stdin: Socket | undefined;
  readonly #socket: Socket;

  private constructor(io: ProcessIo, socket: Socket) {
    this.io = io;
    this.#socket = socket;
    this.stderr = io.stderr === "" ? undefined : new PassThrough();
    this.stdin = io.stdin === "" ? undefined : openWriter(io.stdin);
    void this.#split();
  }

  /** @throws {Fault} `failed_precondition` when the process's output has ended, or nobody shows it */
  static async connect(io: ProcessIo): Promise<LoggedStreams> {
    const { attach } = parseLogUri(io.stdout);
    if (attach === undefined) {
      throw new Fault("failed_precondition", "Cannot attach: the process's output goes to its log alone");
    }
    const socket = connect(attach);
    try {
      await once(socket, "connect");
    } catch (error) {
      throw new Fault("failed_precondition", `Cannot attach: ${messageOf(error)}`, { cause: error });
    }
    return new LoggedStreams(io, socket);
  }

  leave(): void {
    this[Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
    this.stdin?.destroy();
  }

  async #split(): Promise<void> {
    try {
      for await (const { stream, data } of frames(this.#socket)) {
        const to: Writable = stream === 2 && this.stderr ? this.stderr : this.stdout;
        if (!to.write(data)) await once(to, "drain");
      }
    } catch {
      // A shim that dies ends the streams, too.
    } finally {
      this.stdout.end();
      this.stderr?.end();
    }
  }
}

/** Docker's frames: a byte for the stream, three that are 0, four for the length. A part of one is given as it comes. */
async function* frames(
  socket: AsyncIterable<Buffer>,
): AsyncGenerator<{ readonly stream: number; readonly data: Buffer }> {
  let header = Buffer.alloc(0);
  let [stream, left] = [0, 0];
  for await (const chunk of socket) {
    for (let rest = chunk; rest.length > 0;) {
      if (left > 0) {
        yield { stream, data: rest.subarray(0, left) };
        const length = Math.min(left, rest.length);
        rest = rest.subarray(length);
        left -= length;
        continue;
      }
      const missing = 8 - header.length;
      header = Buffer.concat([header, rest.subarray(0, missing)]);
      rest = rest.subarray(missing);
      if (header.length < 8) continue;
      [stream, left] = [header[0] ?? 0, header.readUInt32BE(4)];
      header = Buffer.alloc(0);
    }
  }
}
