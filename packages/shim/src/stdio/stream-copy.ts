import { closeSync, constants, createWriteStream, fstatSync, openSync, type WriteStream } from "node:fs";
import { Socket } from "node:net";

/**
 * Makes the end of a FIFO show to readers that came after its last writer had left: poll(2) tells them only of writers
 * that were there in their time.
 */
export function showEnd(fifo: string): void {
  closeSync(openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK));
}

/** Copies what comes out of a pipe to a FIFO or file, from `begin` on until all writers have left. */
export class StreamCopy {
  readonly #from: number;
  readonly #to: number;
  readonly #finished = Promise.withResolvers<void>();
  #streams: { readonly reader: Socket; readonly writer: Socket | WriteStream } | undefined;

  /** Takes both descriptors over. */
  constructor(from: number, to: number) {
    this.#from = from;
    this.#to = to;
  }

  get done(): Promise<void> {
    return this.#finished.promise;
  }

  begin(): void {
    const reader = new Socket({ fd: this.#from, readable: true, writable: false });
    const writer = fstatSync(this.#to).isFIFO()
      ? new Socket({ fd: this.#to, readable: false, writable: true })
      : createWriteStream("", { fd: this.#to });
    this.#streams = { reader, writer };
    const finish = (): void => this.#finished.resolve();
    writer.once("close", finish).on("error", () => {
      // Nobody can be told; the container must not block on it.
      finish();
      reader.unpipe().resume();
    });
    reader.on("error", () => writer.end());
    reader.pipe(writer);
  }

  close(): void {
    if (this.#streams) {
      this.#streams.reader.destroy();
      this.#streams.writer.destroy();
    } else {
      closeSync(this.#from);
      closeSync(this.#to);
    }
    this.#finished.resolve();
  }
}
