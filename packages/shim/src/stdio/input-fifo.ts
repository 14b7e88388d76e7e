import { closeSync, constants, openSync } from "node:fs";
import { readinessOf } from "@slipway/linux/poll";

/** Where the shim opens its writing end of a process's input: at once, or not before the process starts. */
export type InputHold = "at once" | "at start";

/**
 * The FIFO of a process's input. The process reads it itself; the shim holds a writing end, so that a client that comes late
 * or again finds it open, until the client closes the input (CloseIO).
 *
 * A client of a container that is being created has no task yet whose input it could close: ctr's `echo hi | ctr run` writes,
 * leaves, and says nothing. containerd's own shim opens the FIFO after the runtime has created the container, so that such
 * a client waits for it; ours gives the FIFO to the runtime. So until the container starts, the shim holds no writing end:
 * what a client has written before it left is then all that comes. A client that left without a word had no input to give
 * (`ctr run -d </dev/null`): the input stays open, as it does in containerd.
 */
export class InputFifo {
  readonly #path: string;
  /** Only until the process starts. */
  #reader: number | undefined;
  #writer: number | undefined;

  private constructor(path: string, held: { readonly reader: number } | { readonly writer: number }) {
    this.#path = path;
    if ("reader" in held) this.#reader = held.reader;
    else this.#writer = held.writer;
  }

  /** `given`: the process's own end, for the runtime to inherit. */
  static open(path: string, hold: InputHold): { readonly given: number; readonly input: InputFifo } {
    // Opening one end waits for the other; with both ends in hand, neither of ours does.
    const both = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    try {
      const given = openSync(path, constants.O_RDONLY);
      const held = hold === "at once" ? { writer: openWriter(path) } : { reader: openReader(path) };
      return { given, input: new InputFifo(path, held) };
    } finally {
      closeSync(both);
    }
  }

  /** Holds the input of a process that another shim started; undefined if that does not read any more. */
  static adopt(path: string): InputFifo | undefined {
    try {
      return new InputFifo(path, { writer: openWriter(path) });
    } catch {
      return undefined;
    }
  }

  /** The process is about to start: from now on it reads. */
  starting(): void {
    const reader = this.#reader;
    if (reader === undefined) return;
    this.#reader = undefined;
    const { isReadable, isHungUp } = readinessOf(reader);
    if (!(isReadable && isHungUp)) this.#writer = openWriter(this.#path);
    closeSync(reader);
  }

  /** The input ends when the client's writing end is closed, too. Once is enough. */
  close(): void {
    for (const fd of [this.#reader, this.#writer]) if (fd !== undefined) closeSync(fd);
    this.#reader = undefined;
    this.#writer = undefined;
  }
}

function openReader(path: string): number {
  return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
}

function openWriter(path: string): number {
  return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
}
