import { closeSync, constants, createWriteStream, mkdtempSync, openSync, rmSync, statSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { ReadStream } from "node:tty";
import { DescriptorSocket } from "@slipway/linux/descriptor-socket";
import { setWindowSize, type WindowSize } from "@slipway/linux/pty";
import type { StdioPaths } from "./stdio.ts";

/** The socket that a runtime sends a new terminal's master to. */
export class ConsoleSocket implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "pty"));
  readonly #socket: DescriptorSocket;
  readonly path = join(this.#directory, "pty.sock");

  constructor() {
    this.#socket = new DescriptorSocket(this.path);
  }

  /** The master's descriptor. The runtime has sent it before it returns. */
  receive(): number {
    return this.#socket.receive();
  }

  [Symbol.dispose](): void {
    this.#socket[Symbol.dispose]();
    rmSync(this.#directory, { recursive: true });
  }
}

/** A terminal's master: its output is copied to the client's FIFO, the client's input to it. */
export class Console {
  readonly #fd: number;
  readonly #master: ReadStream;
  readonly #input: Socket | undefined;
  #inputWriter: number | undefined;
  readonly #output: { readonly writer: Writable; readonly kept: number | undefined } | undefined;
  /** Settles when the last process on the terminal is gone and its output is written. */
  readonly drained: Promise<void>;

  /** `output`: where the output goes; to the FIFO or file that `paths` names if undefined. */
  constructor(master: number, paths: StdioPaths, output?: Writable) {
    this.#fd = master;
    this.#master = new ReadStream(master);
    this.#output = output
      ? { writer: output, kept: undefined }
      : paths.stdout === ""
        ? undefined
        : openWriter(paths.stdout);
    this.drained = new Promise((resolve) => {
      const finish = (): void => {
        const writer = this.#output?.writer;
        if (!writer || writer.destroyed) resolve();
        else writer.end(resolve);
      };
      // The kernel answers EIO when no process holds the terminal any more: its end of file.
      this.#master.on("error", finish).once("end", finish).once("close", finish);
    });
    if (this.#output) this.#master.pipe(this.#output.writer, { end: false });
    else this.#master.resume();
    this.#output?.writer.on("error", () => this.#master.resume());

    if (paths.stdin === "") return;
    this.#input = new Socket({
      fd: openSync(paths.stdin, constants.O_RDONLY | constants.O_NONBLOCK),
      writable: false,
    });
    this.#inputWriter = openSync(paths.stdin, constants.O_WRONLY | constants.O_NONBLOCK);
    this.#input.on("error", () => undefined);
    this.#input.pipe(this.#master, { end: false });
  }

  resize(size: WindowSize): void {
    if (!this.#master.destroyed) setWindowSize(this.#fd, size);
  }

  closeStdin(): void {
    if (this.#inputWriter !== undefined) closeSync(this.#inputWriter);
    this.#inputWriter = undefined;
  }

  close(): void {
    this.#input?.destroy();
    this.#master.destroy();
    this.#output?.writer.destroy();
    this.closeStdin();
    if (this.#output?.kept !== undefined) closeSync(this.#output.kept);
  }
}

function openWriter(stdout: string): { writer: Writable; kept: number | undefined } {
  if (!statSync(stdout).isFIFO())
    return { writer: createWriteStream(stdout, { flags: "a" }), kept: undefined };
  const kept = openSync(stdout, constants.O_RDONLY | constants.O_NONBLOCK);
  const fd = openSync(stdout, constants.O_WRONLY | constants.O_NONBLOCK);
  return { writer: new Socket({ fd, readable: false }), kept };
}
