import { closeSync, constants, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { Fault } from "@slipway/fault/fault";
import { mkfifo } from "@slipway/linux/mknod";
import { makeDirectories } from "@slipway/linux/make-directories";
import type { IoOwner } from "../bundle.ts";
import type { ProcessStdio } from "../runtime/oci-runtime.ts";
import { InputFifo, type InputHold } from "./input-fifo.ts";
import { StreamCopy } from "./stream-copy.ts";

/** Where a task's streams go, as the request says it: paths of FIFOs or files, or URIs; empty = nowhere. */
export interface StdioPaths {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
}

/** Whose streams they are. */
export interface StdioOwner {
  /** The container's id, or the exec's. */
  readonly id: string;
  readonly namespace: string;
  /** Where the FIFO is that its errors go through. */
  readonly errorsFifo: string;
  readonly inputHold: InputHold;
  /** Whose its pipes are to be; root's unless told. */
  readonly ioOwner?: IoOwner | undefined;
}

/** What a process got as its streams, and what of them the shim holds. */
export interface TaskStdio {
  /** Descriptors for the runtime to hand on. */
  readonly given: ProcessStdio;
  /** What is in the pipe of its errors: of a runtime that has failed, why. */
  said(): string;
  /** Closes what was given: the container must hold the only write ends, so that readers see its end. */
  afterStart(): void;
  /** The process is about to start, and then reads its input. */
  starting(): void;
  /** Ends the container's input once the client's writer has left, too. */
  closeStdin(): void;
  /** Settles when all that is copied was written. */
  readonly drained: Promise<void>;
  /** Gives back everything. */
  close(): void;
}

/**
 * Opens the client's FIFOs and files for the process itself: its input and output are not copied on the way.
 * Errors are, because a runtime writes its own complaints to the stream that the process is to inherit, and the
 * client must not read them as the container's. They come through a FIFO in the bundle, where another shim finds it.
 *
 * The shim keeps a read end of each output FIFO, so that a client that leaves does not break the container's pipe, and a
 * write end of the input until CloseIO (`InputFifo`). Outputs are opened for both, so that nothing breaks either when the
 * shim is killed: the container holds a read end itself.
 */
export async function openStdio(paths: StdioPaths, container: StdioOwner): Promise<TaskStdio> {
  const scheme = schemeOf(paths.stdout);
  const descriptors = new Descriptors();
  try {
    const stdin = paths.stdin === "" ? undefined : openInput(paths.stdin, container.inputHold, descriptors);
    if (scheme === "binary" || scheme === "binary-v2") {
      const { startLogger } = await import("./binary-logger.ts");
      const { stdout, stderr, end } = await startLogger(new URL(paths.stdout), container);
      return descriptors.asStdio(
        { stdout: descriptors.kept(stdout), stderr: descriptors.kept(stderr) },
        stdin,
        end,
      );
    }
    if (scheme === "json-file") {
      const { openJsonFile } = await import("./json-file.ts");
      return await openJsonFile(paths, container, descriptors, stdin);
    }
    if (scheme === "file") {
      const fd = descriptors.given(openLogFile(new URL(paths.stdout)));
      return descriptors.asStdio({ stdout: fd, stderr: fd }, stdin);
    }
    if (scheme !== "fifo") throw new Fault("unknown", `unknown STDIO scheme ${scheme}`);
    const stdout = paths.stdout === "" ? undefined : descriptors.given(openOutput(paths.stdout, descriptors));
    const stderr =
      paths.stderr === "" ? undefined : openErrors(paths.stderr, container.errorsFifo, descriptors);
    return descriptors.asStdio(
      { ...(stdout === undefined ? {} : { stdout }), ...(stderr === undefined ? {} : { stderr }) },
      stdin,
    );
  } catch (error) {
    descriptors.close();
    throw error;
  }
}

/** Of a URI for a process's output; `fifo` for a path, whose file tells what it is. */
export function schemeOf(stdout: string): string {
  return /^([a-z][a-z0-9+.-]*):\/\//.exec(stdout)?.[1] ?? "fifo";
}

/** What brings output somewhere else. */
export interface OutputCopy {
  /** Starts copying; who writes has its descriptors by then. */
  begin(): void;
  /** Settles when all was written. */
  readonly done: Promise<void>;
  close(): void;
  /** What was written to the errors so far, if it can be read before `begin`. */
  said?(): string;
}

/** The descriptors of one process's streams. */
export class Descriptors {
  #given: number[] = [];
  #kept: number[] = [];
  #input: InputFifo | undefined;
  #copy: OutputCopy | undefined;

  copied(copy: OutputCopy): void {
    this.#copy = copy;
  }

  given(fd: number): number {
    this.#given.push(fd);
    return fd;
  }

  kept(fd: number): number {
    this.#kept.push(fd);
    return fd;
  }

  input(input: InputFifo): void {
    this.#input = input;
  }

  asStdio(streams: ProcessStdio, stdin: number | undefined, onClose?: () => void): TaskStdio {
    return {
      given: stdin === undefined ? streams : { ...streams, stdin },
      afterStart: () => {
        this.#closeGiven();
        this.#copy?.begin();
      },
      said: () => this.#copy?.said?.() ?? "",
      drained: this.#copy?.done ?? Promise.resolve(),
      starting: () => this.#input?.starting(),
      closeStdin: () => this.#input?.close(),
      close: () => {
        this.close();
        onClose?.();
      },
    };
  }

  close(): void {
    this.#closeGiven();
    this.#input?.close();
    this.#copy?.close();
    for (const fd of this.#kept.splice(0)) closeSync(fd);
  }

  #closeGiven(): void {
    for (const fd of this.#given.splice(0)) closeSync(fd);
  }
}

function openInput(path: string, hold: InputHold, descriptors: Descriptors): number {
  if (!statSync(path).isFIFO()) return descriptors.given(openSync(path, "r"));
  const { given, input } = InputFifo.open(path, hold);
  descriptors.input(input);
  return descriptors.given(given);
}

/** A descriptor to write to, never one that blocks until a reader comes. */
export function openOutput(path: string, descriptors: Descriptors): number {
  if (!statSync(path).isFIFO()) {
    return openSync(path, constants.O_WRONLY | constants.O_APPEND);
  }
  descriptors.kept(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  return openSync(path, constants.O_RDWR);
}

function openErrors(path: string, fifo: string, descriptors: Descriptors): number {
  mkfifo(fifo, 0o600);
  const reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  descriptors.copied(new StreamCopy(reader, openOutput(path, descriptors)));
  return descriptors.given(openSync(fifo, constants.O_RDWR));
}

/** The file behind a `file://` URI, to be appended to. */
export function openLogFile(uri: URL): number {
  const path = decodeURIComponent(uri.pathname);
  makeDirectories(dirname(path), 0o755);
  return openSync(path, "a", 0o644);
}
