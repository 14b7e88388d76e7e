import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import type { ProcessIo } from "@slipway/core/tasks";
import { mkfifo } from "@slipway/linux/mknod";

export interface StdioOptions {
  /** Where the FIFOs are made. */
  readonly folder?: string;
  readonly terminal?: boolean;
  /** Whether the process is given input; without it, it reads nothing. */
  readonly stdin?: boolean;
}

/**
 * A process's streams, over FIFOs that this client makes and the shim opens: containerd's pkg/cio. Leaving its scope
 * closes and removes them.
 */
export class Stdio implements Disposable {
  /** What the daemon is told. */
  readonly io: ProcessIo;
  /** Ends when the last process that writes there is gone. */
  readonly stdout: Socket;
  /** Missing with a terminal, which has one output. */
  readonly stderr: Socket | undefined;
  /**
   * The process's input. Written bytes wait in the FIFO until somebody reads; end it only after the task was created,
   * and tell the daemon (`tasks.closeStdin`) so that the shim lets go, too.
   */
  readonly stdin: Socket | undefined;
  readonly #folder: string;
  #isLeft = false;

  private constructor(folder: string, terminal: boolean, hasStdin: boolean) {
    this.#folder = folder;
    const path = (name: string): string => join(folder, name);
    this.io = {
      stdin: hasStdin ? path("stdin") : "",
      stdout: path("stdout"),
      stderr: terminal ? "" : path("stderr"),
      terminal,
    };
    for (const fifo of [this.io.stdin, this.io.stdout, this.io.stderr]) if (fifo !== "") mkfifo(fifo, 0o700);
    this.stdout = openReader(this.io.stdout);
    this.stderr = terminal ? undefined : openReader(this.io.stderr);
    this.stdin = hasStdin ? openWriter(this.io.stdin) : undefined;
  }

  static open({
    folder = "/run/containerd/fifo",
    terminal = false,
    stdin = false,
  }: StdioOptions = {}): Stdio {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return new Stdio(mkdtempSync(join(folder, "/")), terminal, stdin);
  }

  /** Lets go of the streams and leaves the FIFOs for who comes back to the process. */
  leave(): void {
    this.stdout.destroy();
    this.stderr?.destroy();
    this.stdin?.destroy();
    this.#isLeft = true;
  }

  [Symbol.dispose](): void {
    if (this.#isLeft) return;
    this.stdout.destroy();
    this.stderr?.destroy();
    this.stdin?.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Not blocking, and no end of file before a first writer came and went: poll(2) says nothing until then. */
function openReader(path: string): Socket {
  return socketOf(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), {
    readable: true,
    writable: false,
  });
}

/** Opening a FIFO for writing alone fails until there is a reader; for both, Linux does it at once. */
function openWriter(path: string): Socket {
  const socket = socketOf(openSync(path, constants.O_RDWR | constants.O_NONBLOCK), {
    readable: false,
    writable: true,
  });
  // The process may leave without reading all of its input.
  socket.on("error", () => {});
  return socket;
}

function socketOf(fd: number, options: { readable: boolean; writable: boolean }): Socket {
  try {
    return new Socket({ fd, ...options });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}
