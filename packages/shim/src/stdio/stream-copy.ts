import {
  closeSync,
  constants,
  createWriteStream,
  fstatSync,
  openSync,
  readSync,
  type WriteStream,
} from "node:fs";
import { Socket } from "node:net";
import { isSystemError, onReadable } from "@slipway/linux/system-call";
import type { OutputCopy } from "./stdio.ts";

/**
 * Makes the end of a FIFO show to readers that came after its last writer had left: poll(2) tells them only of writers
 * that were there in their time.
 */
export function showEnd(fifo: string): void {
  closeSync(openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK));
}

type CopyState =
  | { readonly is: "open" }
  /** For the first bytes: most programs have no errors to tell, and the streams are made for those that do. */
  | { readonly is: "waiting"; readonly stop: () => void }
  | { readonly is: "copying"; readonly reader: Socket; readonly writer: Socket | WriteStream }
  | { readonly is: "closed" };

/** Copies what comes out of a pipe to a FIFO or file, from `begin` on until all writers have left. */
export class StreamCopy implements OutputCopy {
  readonly #from: number;
  readonly #to: number;
  readonly #finished = Promise.withResolvers<void>();
  #state: CopyState = { is: "open" };

  /** Takes both descriptors over. */
  constructor(from: number, to: number) {
    this.#from = from;
    this.#to = to;
  }

  get done(): Promise<void> {
    return this.#finished.promise;
  }

  said(): string {
    return Buffer.from(readSome(this.#from) ?? []).toString();
  }

  begin(): void {
    const stop = onReadable(this.#from, () => {
      const first = readSome(this.#from);
      if (!first) return;
      stop();
      this.#state = { is: "open" };
      if (first.length === 0) this.close();
      else this.#copy(first);
    });
    this.#state = { is: "waiting", stop };
  }

  #copy(first: Uint8Array): void {
    const reader = new Socket({ fd: this.#from, readable: true, writable: false });
    const writer = fstatSync(this.#to).isFIFO()
      ? new Socket({ fd: this.#to, readable: false, writable: true })
      : createWriteStream("", { fd: this.#to });
    this.#state = { is: "copying", reader, writer };
    const finish = (): void => this.#finished.resolve();
    writer.once("close", finish).on("error", () => {
      // Nobody can be told; the container must not block on it.
      finish();
      reader.unpipe().resume();
    });
    reader.on("error", () => writer.end());
    writer.write(first);
    reader.pipe(writer);
  }

  close(): void {
    const state = this.#state;
    if (state.is === "closed") return;
    this.#state = { is: "closed" };
    if (state.is === "copying") {
      state.reader.destroy();
      state.writer.destroy();
    } else {
      if (state.is === "waiting") state.stop();
      closeSync(this.#from);
      closeSync(this.#to);
    }
    this.#finished.resolve();
  }
}

/** What is in the pipe; nothing at its end; undefined when there is nothing yet. */
export function readSome(fd: number): Uint8Array | undefined {
  const buffer = Buffer.allocUnsafe(65_536);
  try {
    return buffer.subarray(0, readSync(fd, buffer));
  } catch (error) {
    if (isSystemError(error, "EAGAIN")) return undefined;
    throw error;
  }
}
