import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { dirname } from "node:path";
import type { LogStream } from "@slipway/logs/json-log";
import { makeDirectories } from "@slipway/linux/make-directories";

const headerBytes = 8;

/**
 * A socket where clients see a process's output as it comes, framed as Docker's attach does it: a byte for the stream, three
 * that are 0, four for the length. A slow client slows the process down, as one that reads from a pipe would.
 */
export class AttachServer {
  readonly #path: string;
  readonly #server = createServer((socket) => this.#add(socket));
  readonly #clients = new Set<Socket>();

  private constructor(path: string) {
    this.#path = path;
  }

  /** Clients may come when this has resolved. */
  static async open(path: string): Promise<AttachServer> {
    makeDirectories(dirname(path), 0o700);
    // What a shim that was killed has left.
    rmSync(path, { force: true });
    const server = new AttachServer(path);
    // A client that cannot be accepted, for want of file descriptors, is not the end of the others.
    server.#server.on("error", () => {});
    server.#server.listen(path);
    await once(server.#server, "listening");
    chmodSync(path, 0o600);
    return server;
  }

  /** @returns what to wait for before more is sent */
  send(stream: LogStream, chunk: Uint8Array): Promise<unknown> | undefined {
    if (this.#clients.size === 0) return undefined;
    const header = Buffer.alloc(headerBytes);
    header[0] = stream === "stdout" ? 1 : 2;
    header.writeUInt32BE(chunk.length, 4);
    const slow = [...this.#clients].filter((client) => {
      client.write(header);
      return !client.write(chunk);
    });
    return slow.length === 0 ? undefined : Promise.all(slow.map(drained));
  }

  /** The output's end: clients see it when they have read the rest. */
  end(): void {
    this.#server.close();
    rmSync(this.#path, { force: true });
    for (const client of this.#clients) client.end();
  }

  #add(socket: Socket): void {
    this.#clients.add(socket);
    // Whoever leaves in the middle may do so.
    socket.on("error", () => {}).once("close", () => this.#clients.delete(socket));
    socket.resume();
  }
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    socket.once("drain", resolve).once("close", resolve);
  });
}
