import { closeSync, constants, existsSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { dirname, join } from "node:path";
import { mkfifo } from "@slipway/linux/mknod";
import type { LogStream } from "@slipway/logs/json-log";
import { parseLogUri } from "@slipway/logs/log-uri";
import { LogSink } from "./log-sink.ts";
import { readSome, showEnd } from "./stream-copy.ts";
import type { Descriptors, OutputCopy, StdioPaths, TaskStdio } from "./stdio.ts";

/**
 * Writes a process's output to its log (`json-file://`), and shows it to who is attached. The output comes through FIFOs
 * beside the log, which the process has open for reading, too: when the shim is killed, writing waits for the next shim
 * instead of failing, and nothing in between is lost. The end still shows, because the shim has no writing end.
 */
export async function openJsonFile(
  paths: StdioPaths,
  container: { readonly id: string },
  descriptors: Descriptors,
  stdin: number | undefined,
): Promise<TaskStdio> {
  const folder = dirname(parseLogUri(paths.stdout).file);
  const sink = await LogSink.open(paths.stdout);
  const copy = new LogCopy(sink);
  descriptors.copied(copy);
  const open = (stream: LogStream): number => {
    const path = join(folder, `${container.id}.${stream}`);
    rmSync(path, { force: true });
    mkfifo(path, 0o600);
    copy.add(stream, path);
    return descriptors.given(openSync(path, constants.O_RDWR));
  };
  const stdout = open("stdout");
  return descriptors.asStdio(paths.stderr === "" ? { stdout } : { stdout, stderr: open("stderr") }, stdin);
}

/** Goes on with the log of a process that another shim started: the FIFOs are there until their process has ended. */
export async function adoptJsonFile(
  paths: StdioPaths,
  container: { readonly id: string },
  descriptors: Descriptors,
): Promise<void> {
  const folder = dirname(parseLogUri(paths.stdout).file);
  const copy = new LogCopy(await LogSink.open(paths.stdout));
  descriptors.copied(copy);
  for (const stream of ["stdout", "stderr"] as const) {
    const path = join(folder, `${container.id}.${stream}`);
    if (!existsSync(path)) continue;
    copy.add(stream, path);
    showEnd(path);
  }
}

interface Source {
  readonly stream: LogStream;
  readonly path: string;
  readonly fd: number;
}

/** Copies FIFOs to a sink, from `begin` on until their writers have left. */
class LogCopy implements OutputCopy {
  readonly #sink: LogSink;
  readonly #sources: Source[] = [];
  readonly #finished = Promise.withResolvers<void>();
  #sockets: Socket[] | undefined;

  constructor(sink: LogSink) {
    this.#sink = sink;
  }

  get done(): Promise<void> {
    return this.#finished.promise;
  }

  add(stream: LogStream, path: string): void {
    this.#sources.push({ stream, path, fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK) });
  }

  said(): string {
    const source = this.#sources.find(({ stream }) => stream === "stderr");
    return Buffer.from((source && readSome(source.fd)) ?? []).toString();
  }

  begin(): void {
    const sockets = this.#sources.map(({ stream, fd }) => ({ stream, socket: readerOf(fd) }));
    this.#sockets = sockets.map(({ socket }) => socket);
    void Promise.all(sockets.map(({ stream, socket }) => this.#copy(stream, socket))).then(() =>
      this.close(),
    );
  }

  close(): void {
    if (this.#sockets) for (const socket of this.#sockets) socket.destroy();
    else for (const { fd } of this.#sources) closeSync(fd);
    this.#sockets = [];
    for (const { path } of this.#sources) rmSync(path, { force: true });
    this.#sink.end();
    this.#finished.resolve();
  }

  async #copy(stream: LogStream, socket: Socket): Promise<void> {
    try {
      for await (const chunk of socket as AsyncIterable<Uint8Array>) await this.#sink.write(stream, chunk);
    } catch {
      // The descriptor was closed under it.
    }
  }
}

function readerOf(fd: number): Socket {
  return new Socket({ fd, readable: true, writable: false });
}
