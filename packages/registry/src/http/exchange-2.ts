import { type IncomingHttpHeaders, type OutgoingHttpHeaders, STATUS_CODES } from "node:http";
import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import type { HttpAnswer } from "./response.ts";
import type { HttpRequest } from "./send.ts";
import { unreachable } from "./unreachable.ts";

/** Of the connection, which HTTP/2 has other words for: RFC 9113, section 8.2.2. */
const connectionHeaders = [
  "host",
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
];

/** Sends one request over a session, and gives the answer when its headers are there. */
export async function exchange2(session: ClientHttp2Session, request: HttpRequest): Promise<HttpAnswer> {
  const { method, url, headers, body, link, signal } = request;
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const stream = open(session, url, {
    ...withoutConnection(headers),
    ":method": method,
    ":path": url.pathname + url.search,
    ":authority": url.host,
    ":scheme": "https",
  });
  const abort = (): unknown => stream.destroy(signal?.reason as Error);
  if (signal?.aborted) abort();
  signal?.addEventListener("abort", abort, { once: true });
  stream.setTimeout(link.stallTimeoutMs, () =>
    stream.destroy(new Error(`no bytes for ${link.stallTimeoutMs} ms`)),
  );
  stream.on("error", (error: NodeJS.ErrnoException) =>
    reject(signal?.aborted ? error : unreachable(url, error)),
  );
  stream.on("close", () => {
    signal?.removeEventListener("abort", abort);
    reject(unreachable(url, new Error("the server gave no answer")));
  });
  stream.on("response", (answered) => resolve(toResponse(stream, answered)));
  if (typeof body !== "function") stream.end(body);
  else void send(stream, body, promise).catch((error: unknown) => stream.destroy(error as Error));
  return await promise;
}

/** The session keeps the process alive as long as it has something to do. */
function open(session: ClientHttp2Session, url: URL, headers: OutgoingHttpHeaders): ClientHttp2Stream {
  let stream: ClientHttp2Stream;
  try {
    stream = session.request(headers);
  } catch (error) {
    // The server may have ended the session since it was looked up: the next attempt gets another.
    throw unreachable(url, error as Error);
  }
  const open = (counts.get(session) ?? 0) + 1;
  counts.set(session, open);
  session.ref();
  stream.once("close", () => {
    const left = (counts.get(session) ?? 1) - 1;
    counts.set(session, left);
    if (left === 0 && !session.destroyed) session.unref();
  });
  return stream;
}

const counts = new WeakMap<ClientHttp2Session, number>();

async function send(
  stream: ClientHttp2Stream,
  body: () => AsyncIterable<Uint8Array>,
  answer: Promise<unknown>,
): Promise<void> {
  const answered = answer.then(
    () => true,
    () => true,
  );
  for await (const chunk of body()) {
    if (stream.destroyed || stream.writableEnded) return;
    if (stream.write(chunk)) continue;
    const drained = new Promise<boolean>((resolve) => stream.once("drain", () => resolve(false)));
    // A registry that has answered already wants no more.
    if (await Promise.race([drained, answered])) break;
  }
  stream.end();
}

function withoutConnection(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers)
      .map(([name, value]) => [name.toLowerCase(), value] as const)
      .filter(([name]) => !connectionHeaders.includes(name)),
  );
}

function toResponse(
  stream: ClientHttp2Stream,
  answered: IncomingHttpHeaders & { ":status"?: number | undefined },
): HttpAnswer {
  const { ":status": statusCode = 0, ...headers } = answered;
  const headersDistinct: NodeJS.Dict<string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) headersDistinct[name] = Array.isArray(value) ? value : [value];
  }
  return Object.assign(stream, {
    statusCode,
    statusMessage: STATUS_CODES[statusCode] ?? "",
    headers,
    headersDistinct,
  });
}
