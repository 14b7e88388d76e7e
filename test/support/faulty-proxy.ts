import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";

/** What a registry does wrong. */
export interface Fault {
  /** Ends every n-th answer in its middle. */
  readonly breakEvery?: number;
  /** Answers every n-th request with 500 or 429. */
  readonly refuseEvery?: number;
  /** Changes the bytes of blobs. */
  readonly change?: (chunk: Buffer) => void;
  /** Changes the bytes of manifests that are asked for by digest. */
  readonly changeManifests?: (chunk: Buffer) => void;
  /** Ends every n-th blob in its middle, as if it were whole. */
  readonly truncateEvery?: number;
  /** Sends whoever wants a blob to this host. */
  readonly blobsAt?: string;
  /** Says this to users with every answer. */
  readonly warning?: string;
  /** Has manifests, but no blobs. */
  readonly lost?: boolean;
}

/** Stands before a registry and makes it a bad one. */
export class FaultyProxy implements AsyncDisposable {
  readonly host: string;
  readonly #stop: () => Promise<void>;

  private constructor(host: string, stop: () => Promise<void>) {
    this.host = host;
    this.#stop = stop;
  }

  static async start(host: string, fault: Fault): Promise<FaultyProxy> {
    let count = 0;
    const forward = async (incoming: IncomingMessage, answer: ServerResponse): Promise<void> => {
      count += 1;
      const { method, url = "", headers } = incoming;
      const isBlob = url.includes("/blobs/");
      if (fault.blobsAt !== undefined && isBlob && method === "GET") {
        return void answer.writeHead(307, { location: `http://${fault.blobsAt}${url}` }).end();
      }
      if (fault.lost && isBlob) return void answer.writeHead(404).end();
      if (fault.refuseEvery && count % fault.refuseEvery === 0) {
        if (count % 2 === 0) answer.writeHead(500).end();
        else answer.writeHead(429, { "retry-after": "0" }).end();
        return;
      }
      const outgoing = request(`http://${host}${url}`, { method, headers });
      outgoing.end();
      const [from] = (await once(outgoing, "response")) as [IncomingMessage];
      const truncates = isBlob && fault.truncateEvery !== undefined && count % fault.truncateEvery === 0;
      if (fault.warning !== undefined) answer.setHeader("warning", `299 - "${fault.warning}"`);
      const { "content-length": _, ...others } = from.headers;
      answer.writeHead(from.statusCode ?? 500, truncates ? others : from.headers);
      const breaks = fault.breakEvery !== undefined && count % fault.breakEvery === 0;
      for await (const chunk of from as AsyncIterable<Buffer>) {
        if (isBlob) fault.change?.(chunk);
        else if (url.includes("/manifests/sha256:")) fault.changeManifests?.(chunk);
        const part = breaks || truncates ? chunk.subarray(0, chunk.length / 2) : chunk;
        await new Promise((written) => answer.write(part, written));
        if (breaks) return void answer.destroy();
        if (truncates) break;
      }
      answer.end();
    };
    const server = createServer((incoming, answer) => void forward(incoming, answer));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    return new FaultyProxy(`127.0.0.1:${port}`, async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}
