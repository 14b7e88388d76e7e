import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { createServer } from "node:https";
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from "node:http2";
import type { TLSSocket } from "node:tls";
import type { Certificates } from "./certificates.ts";

export interface FrontOptions {
  readonly certificates: Certificates;
  /** What it speaks: both unless told. */
  readonly speaks?: "2" | "1.1";
  /** Whether clients must have a certificate of the same authority. */
  readonly asksForCertificate?: boolean;
  /** Answers instead of the registry. @returns whether it did */
  readonly interfere?: (
    request: Http2ServerRequest,
    response: Http2ServerResponse,
    number: number,
  ) => boolean;
}

/** TLS with HTTP/2 in front of a registry. */
export class Http2Front implements AsyncDisposable {
  host = "";
  /** `2.0 GET /v2/...`, in the order of arrival. */
  readonly requests: string[] = [];
  readonly sessions = new Set<ServerHttp2Session>();
  /** TLS connections so far. */
  connections = 0;
  readonly #server: Http2SecureServer;
  readonly #registry: string;
  readonly #sockets = new Set<TLSSocket>();

  private constructor(registry: string, options: FrontOptions) {
    const { certificates, speaks, asksForCertificate = false, interfere } = options;
    this.#registry = registry;
    const tls = {
      cert: readFileSync(certificates.cert),
      key: readFileSync(certificates.key),
      ca: readFileSync(certificates.ca),
      requestCert: asksForCertificate,
    };
    const answer = (incoming: Http2ServerRequest, response: Http2ServerResponse): void => {
      const number = this.requests.push(`${incoming.httpVersion} ${incoming.method} ${incoming.url}`);
      if (!interfere?.(incoming, response, number)) void this.#forward(incoming, response);
    };
    this.#server =
      speaks === "1.1"
        ? (createServer(tls, answer as never) as unknown as Http2SecureServer)
        : createSecureServer({ ...tls, allowHTTP1: speaks !== "2" }, answer);
    this.#server.on("session", (session) => this.sessions.add(session));
    this.#server.on("secureConnection", (socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
    });
    this.#server.on("sessionError", () => {});
  }

  static async start(registry: string, options: FrontOptions): Promise<Http2Front> {
    const front = new Http2Front(registry, options);
    front.#server.listen(0, "127.0.0.1");
    await once(front.#server, "listening");
    front.host = `127.0.0.1:${(front.#server.address() as { port: number }).port}`;
    return front;
  }

  /** Of the requests so far: how many came with each version. */
  get versions(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const line of this.requests) {
      const version = line.split(" ")[0] ?? "";
      counts[version] = (counts[version] ?? 0) + 1;
    }
    return counts;
  }

  async #forward(incoming: Http2ServerRequest, answer: Http2ServerResponse): Promise<void> {
    const { method, url } = incoming;
    const kept = Object.entries(incoming.headers).filter(
      ([name]) => !name.startsWith(":") && name !== "connection",
    );
    const host = incoming.authority || incoming.headers.host;
    const headers = { ...Object.fromEntries(kept), host, "x-forwarded-proto": "https" };
    const outgoing = request(`http://${this.#registry}${url}`, { method, headers });
    incoming.pipe(outgoing);
    const [from] = (await once(outgoing, "response")) as [IncomingMessage];
    const { connection: _, "transfer-encoding": __, ...answered } = from.headers;
    answer.writeHead(from.statusCode ?? 500, answered);
    from.pipe(answer);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.sessions) session.destroy();
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
