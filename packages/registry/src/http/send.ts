import type { OutgoingHttpHeaders } from "node:http";
import { Fault, messageOf } from "@slipway/fault/fault";
import type { TlsSettings } from "./agents.ts";
import { exchange1 } from "./exchange-1.ts";
import { exchange2 } from "./exchange-2.ts";
import type { HttpResponse } from "./response.ts";
import { sessionWith } from "./sessions.ts";
import { unreachable } from "./unreachable.ts";

/** How a server is connected to. */
export interface Link {
  readonly tls?: TlsSettings;
  /** For the connection, with its TLS handshake. */
  readonly dialTimeoutMs: number;
  /** For the next bytes, whichever side they come from. */
  readonly stallTimeoutMs: number;
  /** Speak HTTP with a server that answers a TLS handshake with it. */
  readonly fallsBackToHttp: boolean;
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
  readonly signal?: AbortSignal;
}

const maxRedirects = 10;
/** What another host may know of the request. */
const harmlessHeaders = ["accept", "range", "user-agent", "content-type", "content-length"];
/** Origins that answered a TLS handshake with HTTP. */
const plainOrigins = new Set<string>();

/** Sends one request and follows redirects. Credentials, and headers that were configured, do not go to another host. */
export async function send(request: HttpRequest, redirects = 0): Promise<HttpResponse> {
  const response = await sendOnce(request);
  const { location } = response.headers;
  const status = response.statusCode ?? 0;
  const isRead = request.method === "GET" || request.method === "HEAD";
  const follows = status === 307 || status === 308 || (isRead && status >= 301 && status <= 303);
  if (!follows || location === undefined) return response;
  response.resume();
  const from = request.url;
  // Neither will be otherwise the next time.
  if (redirects >= maxRedirects) throw new Fault("failed_precondition", `${from.href} redirects too often`);
  if (!URL.canParse(location, from.href))
    throw new Fault("failed_precondition", `${from.href} redirects to nowhere`);
  const url = new URL(location, from);
  const kept = Object.entries(request.headers).filter(([name]) =>
    harmlessHeaders.includes(name.toLowerCase()),
  );
  const headers = isSameServer(url, from, request.link) ? request.headers : Object.fromEntries(kept);
  return await send({ ...request, url, headers }, redirects + 1);
}

/** Whether what is meant for one address may go to the other. */
export function isSameServer(a: URL, b: URL, { fallsBackToHttp }: Link): boolean {
  return a.host === b.host && (a.protocol === b.protocol || fallsBackToHttp);
}

async function sendOnce(request: HttpRequest): Promise<HttpResponse> {
  const { url, link } = request;
  const fallback = link.fallsBackToHttp && url.protocol === "https:";
  if (fallback && plainOrigins.has(url.origin)) return await exchange(toPlain(request));
  try {
    return await exchange(request);
  } catch (error) {
    if (!fallback || !/wrong version number/i.test(messageOf(error))) throw error;
    plainOrigins.add(url.origin);
    return await exchange(toPlain(request));
  }
}

function toPlain(request: HttpRequest): HttpRequest {
  const url = new URL(request.url);
  url.protocol = "http:";
  return { ...request, url };
}

/** Over the session with the server, when it has one. */
async function exchange(request: HttpRequest): Promise<HttpResponse> {
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
