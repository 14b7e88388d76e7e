import { closeSync, constants, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync, statSync } from "node:fs";
import { Socket } from "node:net";
import { dirname, join } from "node:path";
import type { ProcessIo } from "@slipway/core/tasks";
import { Fault } from "@slipway/fault/fault";
import { mkfifo } from "@slipway/linux/mknod";
import { isSystemError } from "@slipway/linux/system-call";
import type { ProcessStreams } from "./process-streams.ts";

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
export class Stdio implements ProcessStreams {
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

  private constructor(io: ProcessIo) {
    this.io = io;
    this.#folder = dirname(io.stdout);
    this.stdout = openReader(io.stdout);
    this.stderr = io.stderr === "" ? undefined : openReader(io.stderr);
    this.stdin = io.stdin === "" ? undefined : openWriter(io.stdin);
  }

  /** Makes the FIFOs for a new process. */
  static open({
    folder = "/run/containerd/fifo",
    terminal = false,
    stdin = false,
  }: StdioOptions = {}): Stdio {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const own = mkdtempSync(join(folder, "/"));
    const made = (name: string, wanted: boolean): string => {
      if (!wanted) return "";
      mkfifo(join(own, name), 0o700);
      return join(own, name);
    };
    return new Stdio({
      stdin: made("stdin", stdin),
      stdout: made("stdout", true),
      stderr: made("stderr", !terminal),
      terminal,
    });
  }

  /**
   * Comes back to a process whose client left it.
   * @throws {Fault} `failed_precondition` when its output goes elsewhere, such as to a log
   */
  static reopen(io: ProcessIo): Stdio {
    const paths = [io.stdin, io.stdout, io.stderr].filter((path) => path !== "");
    if (io.stdout === "" || !paths.every((path) => statSync(path, { throwIfNoEntry: false })?.isFIFO())) {
      throw new Fault("failed_precondition", "Cannot attach: the process's streams go elsewhere");
    }
    return new Stdio(io);
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
    for (const path of [this.io.stdin, this.io.stdout, this.io.stderr]) {
      if (path !== "") rmSync(path, { force: true });
    }
    try {
      rmdirSync(this.#folder);
    } catch (error) {
      // Another client's folder may hold more, or be gone.
      if (!isSystemError(error, "ENOTEMPTY", "ENOENT")) throw error;
    }
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
export function openWriter(path: string): Socket {
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
