import { closeSync, constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { mkfifo } from "@slipway/linux/mknod";
import { isSystemError } from "@slipway/linux/system-call";

/** What shims have to say goes to the daemon's own standard error, through a FIFO that outlives the daemon. */
export class ShimLog implements Disposable {
  readonly #reader: Socket;

  /** Makes the FIFO unless it is there. */
  constructor(path: string) {
    try {
      mkfifo(path, 0o700);
    } catch (error) {
      if (!isSystemError(error, "EEXIST")) throw error;
    }
    // With a writer in hand, the end of one shim is not the end of the stream.
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    this.#reader = new Socket({ fd, readable: true, writable: false });
    this.#reader.on("data", (chunk) => process.stderr.write(chunk)).on("error", () => undefined);
    this.#reader.unref();
  }

  [Symbol.dispose](): void {
    this.#reader.destroy();
  }
}

/** A descriptor to give to a shim. A daemon that does not read must not hold the shim up: what does not fit is lost. */
export function openLogWriter(path: string): Disposable & { readonly fd: number } {
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return { fd, [Symbol.dispose]: () => closeSync(fd) };
}
