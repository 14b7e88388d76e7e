import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** Answers a request instead of the registry. @returns false when the registry is to answer */
export type Interference = (
  request: IncomingMessage,
  response: ServerResponse,
  /** Of requests for the blob, from 0. */
  number: number,
) => boolean | Promise<boolean>;

export interface SlowRegistryOptions {
  /** Of each connection; unlimited unless told. */
  readonly bytesPerSecond?: number;
  readonly interfere?: Interference;
}

const tickMs = 5;

/** Has one blob, and gives no connection more than its share of bytes, as many networks do. */
export class SlowRegistry implements AsyncDisposable {
  host = "";
  /** What was asked for: `bytes=0-99`, or nothing. */
  readonly ranges: (string | undefined)[] = [];
  /** The connections that bytes went over. */
  readonly connections = new Set<Socket>();
  /** The most that bytes went over at once. */
  mostAtOnce = 0;
  readonly #blob: Buffer;
  readonly #options: SlowRegistryOptions;
  readonly #server;
  #busy = 0;

  private constructor(blob: Buffer, options: SlowRegistryOptions) {
    this.#blob = blob;
    this.#options = options;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.listen(0, "127.0.0.1");
  }

  static async start(blob: Buffer, options: SlowRegistryOptions = {}): Promise<SlowRegistry> {
    const registry = new SlowRegistry(blob, options);
    await once(registry.#server, "listening");
    const { port } = registry.#server.address() as { port: number };
    registry.host = `127.0.0.1:${port}`;
    return registry;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const number = this.ranges.push(request.headers.range) - 1;
    if (await this.#options.interfere?.(request, response, number)) return;
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    const size = this.#blob.length;
    const [start, end] = [Number(from ?? 0), to ? Number(to) + 1 : size];
    const range = { "content-range": `bytes ${start}-${end - 1}/${size}` };
    response.writeHead(from === undefined ? 200 : 206, {
      "content-length": end - start,
      ...(from === undefined ? {} : range),
    });
    await this.send(response, this.#blob.subarray(start, end));
    response.end();
  }

  /** Writes at the connection's rate, until all is written or the connection is gone. */
  async send(response: ServerResponse, bytes: Buffer): Promise<void> {
    const { bytesPerSecond = Infinity } = this.#options;
    if (response.socket) this.connections.add(response.socket);
    this.#busy += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#busy);
    const begun = performance.now();
    const pieceBytes = bytesPerSecond === Infinity ? 1024 * 1024 : 16 * 1024;
    for (let at = 0; at < bytes.length && !response.destroyed; at += pieceBytes) {
      while (at > ((performance.now() - begun) / 1000) * bytesPerSecond) await delay(tickMs);
      const piece = bytes.subarray(at, at + pieceBytes);
      await new Promise((written) => response.write(piece, written));
    }
    this.#busy -= 1;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
