import type { OutgoingHttpHeaders } from "node:http";
import { Fault, hasCode, messageOf } from "@slipway/fault/fault";
import type { TlsSettings } from "./agents.ts";
import { exchange1 } from "./exchange-1.ts";
import { exchange2 } from "./exchange-2.ts";
import { drain } from "./drain.ts";
import { locationOf, overPlainHttp } from "./location.ts";
import type { HttpAnswer, HttpResponse } from "./response.ts";
import { sessionWith } from "./sessions.ts";
import { shownUrl } from "./shown-url.ts";
import { isPlainAnswer, unreachable } from "./unreachable.ts";

/** How a server is connected to. */
export interface Link {
  readonly tls?: TlsSettings;
  /** For the connection, with its TLS handshake. */
  readonly dialTimeoutMs: number;
  /** For the next bytes, whichever side they come from. */
  readonly stallTimeoutMs: number;
  /** About how long to wait before the first retry. */
  readonly retryDelayMs: number;
  /** The host and port with which HTTP is spoken if it answers a TLS handshake with that. */
  readonly plainHost?: string;
}

export type Body = Uint8Array | (() => AsyncIterable<Uint8Array>);

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: OutgoingHttpHeaders;
  /** A function is called again when the request must be sent again. */
  readonly body?: Body;
  /**
   * Many bytes come or go: they get a connection of their own, with HTTP/1.1. Networks that give each connection its share
   * give several more, and nobody waits behind them.
   */
  readonly isBulk?: boolean;
  readonly link: Link;
  /** The Authorization header for an address, asked for each one that the request is sent on to. */
  readonly authorize?: (url: URL) => Promise<string | undefined>;
  readonly signal?: AbortSignal;
}

const maxRedirects = 10;
/** What another host may know of the request. */
const harmlessHeaders = ["accept", "range", "user-agent", "content-type", "content-length"];
/** Origins that answered a TLS handshake with HTTP. */
const plainOrigins = new Set<string>();

/** Sends one request and follows redirects. Credentials, and headers that were configured, do not go to another host. */
export async function send(request: HttpRequest): Promise<HttpResponse> {
  const { method, url: askedUrl, link } = request;
  let { url, headers } = request;
  for (let redirects = 0; ; redirects += 1) {
    const authorization = await request.authorize?.(url);
    const [answer, answeredUrl] = await sendOnce({
      ...request,
      url,
      headers: authorization === undefined ? headers : { ...headers, authorization },
    });
    const target = redirectOf(answer, method, answeredUrl);
    if (target === undefined) {
      return Object.assign(answer, { exchange: { method, askedUrl, answeredUrl } });
    }
    drain(answer);
    const from = shownUrl(answeredUrl);
    // Neither will be otherwise the next time.
    if (typeof target === "string") {
      const where = JSON.stringify(target.slice(0, 200));
      throw new Fault("failed_precondition", `${from} redirects to ${where}, which is no address of HTTP`);
    }
    if (redirects >= maxRedirects)
      throw new Fault(
        "failed_precondition",
        `${shownUrl(askedUrl)} redirects too often, at last from ${from}`,
      );
    if (!isSameServer(target, answeredUrl, link)) headers = harmless(headers);
    url = target;
  }
}

/** Where a request is to be sent instead; undefined if the answer is one, or does not say. */
function redirectOf(answer: HttpAnswer, method: string, answeredUrl: URL): URL | string | undefined {
  const status = answer.statusCode ?? 0;
  const isRead = method === "GET" || method === "HEAD";
  const follows = status === 307 || status === 308 || (isRead && status >= 301 && status <= 303);
  return follows ? locationOf(answer, answeredUrl) : undefined;
}

function harmless(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const kept = Object.entries(headers).filter(([name]) => harmlessHeaders.includes(name.toLowerCase()));
  return Object.fromEntries(kept);
}

/** Whether what is meant for one address may go to the other. What was sent openly may be sent encrypted, too. */
export function isSameServer(to: URL, from: URL, { plainHost }: Link): boolean {
  if (to.host !== from.host) return false;
  return to.protocol === from.protocol || to.protocol === "https:" || to.host === plainHost;
}

/** @returns the answer, and the address that gave it */
async function sendOnce(request: HttpRequest): Promise<[HttpAnswer, URL]> {
  const { url, link, method } = request;
  const asGiven = async (): Promise<[HttpAnswer, URL]> => [await exchange(request), url];
  if (url.protocol !== "https:" || url.host !== link.plainHost) return await asGiven();
  const plain = toPlain(request);
  let failure: unknown;
  if (plainOrigins.has(url.origin)) {
    const answer = await exchange(plain).catch((error: unknown) => {
      if (!hasCode(error, "unavailable")) throw error;
      failure = error;
    });
    const isMisunderstood = answer?.statusCode === 400 && (method === "GET" || method === "HEAD");
    if (answer && !isMisunderstood) return [answer, plain.url];
    // It may have been given certificates since.
    plainOrigins.delete(url.origin);
    if (answer) drain(answer);
  }
  try {
    return await asGiven();
  } catch (error) {
    if (!isPlainAnswer(error)) throw failure ?? error;
    plainOrigins.add(url.origin);
    return [await exchange(plain), plain.url];
  }
}

function toPlain(request: HttpRequest): HttpRequest {
  return { ...request, url: overPlainHttp(request.url) };
}

/** Over the session with the server, when it has one. */
async function exchange(request: HttpRequest): Promise<HttpAnswer> {
  const { url, link, isBulk = false } = request;
  if (url.protocol !== "https:") return await exchange1(request);
  const session = async (): ReturnType<typeof sessionWith> => {
    try {
      return await sessionWith(url, link.tls, link.dialTimeoutMs);
    } catch (error) {
      throw error instanceof Fault ? error : unreachable(url, error as Error);
    }
  };
  const shared = isBulk ? undefined : await unlessAborted(session(), request.signal);
  if (shared) return await exchange2(shared, request);
  try {
    return await exchange1(request);
  } catch (error) {
    const only2 = isBulk && /no application protocol/i.test(messageOf(error)) ? await session() : undefined;
    if (!only2) throw error;
    return await exchange2(only2, request);
  }
}

/** Others may wait for the same work: it goes on when one of them leaves. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await work;
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([work, promise]);
  } finally {
    work.catch(() => {});
    signal.removeEventListener("abort", abort);
  }
}
