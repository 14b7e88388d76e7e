import type { Socket } from "node:net";

/** Frames shorter than this are sent as one piece of memory: each piece costs. */
const smallBytes = 8 * 1024;

/** Gathers the frames of a turn of the event loop, and writes them at once: one system call, one awakening of the client. */
export class Output {
  readonly #socket: Socket;
  readonly #onWritten: () => void;
  #frames: Uint8Array[] = [];
  #bytes = 0;
  #isScheduled = false;

  /** @param onWritten called when there may be room again */
  constructor(socket: Socket, onWritten: () => void) {
    this.#socket = socket;
    this.#onWritten = onWritten;
    socket.on("drain", onWritten);
  }

  /** What the client has not taken yet. */
  get waitingBytes(): number {
    return this.#bytes + this.#socket.writableLength;
  }

  push(frame: Uint8Array): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    process.nextTick(() => {
      this.flush();
      this.#onWritten();
    });
  }

  flush(): void {
    this.#isScheduled = false;
    const frames = this.#frames;
    if (frames.length === 0 || this.#socket.destroyed) return;
    this.#frames = [];
    const isSmall = this.#bytes <= smallBytes;
    this.#bytes = 0;
    if (isSmall) {
      this.#socket.write(frames.length === 1 ? (frames[0] ?? "") : Buffer.concat(frames));
      return;
    }
    this.#socket.cork();
    for (const frame of frames) this.#socket.write(frame);
    this.#socket.uncork();
  }

  /** No more comes. */
  end(): void {
    this.flush();
    this.#socket.end();
  }
}
