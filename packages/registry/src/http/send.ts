import { type IncomingMessage, type OutgoingHttpHeaders, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { Fault, messageOf } from "@slipway/fault/fault";
import { agentFor, type TlsSettings } from "./agents.ts";

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
  readonly link: Link;
  readonly signal?: AbortSignal;
}

const maxRedirects = 10;
/** What another host may know of the request. */
const harmlessHeaders = ["accept", "range", "user-agent", "content-type", "content-length"];
const certificateErrors = /CERT|SELF_SIGNED|UNABLE_TO_|ALTNAME|HOSTNAME_MISMATCH/;
/** Origins that answered a TLS handshake with HTTP. */
const plainOrigins = new Set<string>();

/** Sends one request and follows redirects. Credentials, and headers that were configured, do not go to another host. */
export async function send(request: HttpRequest, redirects = 0): Promise<IncomingMessage> {
  const response = await sendOnce(request);
  const { location } = response.headers;
  const status = response.statusCode ?? 0;
  const isRead = request.method === "GET" || request.method === "HEAD";
  const follows = status === 307 || status === 308 || (isRead && status >= 301 && status <= 303);
  if (!follows || location === undefined) return response;
  response.resume();
  const from = request.url;
  if (redirects >= maxRedirects) throw new Fault("unavailable", `${from.href} redirects too often`);
  if (!URL.canParse(location, from.href)) throw new Fault("unavailable", `${from.href} redirects to nowhere`);
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

async function sendOnce(request: HttpRequest): Promise<IncomingMessage> {
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

async function exchange({ method, url, headers, body, link, signal }: HttpRequest): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  // node:http gives a large body in bigger pieces and with less work than fetch.
  const outgoing = (url.protocol === "https:" ? httpsRequest : httpRequest)(url, {
    method,
    headers,
    agent: agentFor(url, link.tls),
    timeout: link.stallTimeoutMs,
    ...(signal ? { signal } : {}),
  });
  const giveUp = (why: string): unknown => outgoing.destroy(new Error(why));
  outgoing.on("timeout", () => giveUp(`no bytes for ${link.stallTimeoutMs} ms`));
  outgoing.on("socket", (socket) => {
    // A socket that is given up between two requests has nobody else who listens.
    if (!socket.listeners("error").includes(ignore)) socket.on("error", ignore);
    if (!socket.connecting) return;
    const timer = setTimeout(
      () => giveUp(`no connection after ${link.dialTimeoutMs} ms`),
      link.dialTimeoutMs,
    );
    const clear = (): void => clearTimeout(timer);
    for (const event of [url.protocol === "https:" ? "secureConnect" : "connect", "close"]) {
      socket.once(event, clear);
    }
  });
  let answered = false;
  outgoing.on("response", (response) => {
    answered = true;
    resolve(response);
  });
  outgoing.on("error", (error: NodeJS.ErrnoException) => {
    if (error.name === "AbortError") return reject(error);
    const why = error.message || error.code;
    // A certificate will be no better the next time.
    const code = certificateErrors.test(error.code ?? "") ? "failed_precondition" : "unavailable";
    reject(new Fault(code, `Cannot reach ${url.origin}: ${why}`, { cause: error }));
  });
  if (typeof body !== "function") {
    outgoing.end(body);
    return await promise;
  }
  try {
    for await (const chunk of body()) {
      if (answered) break;
      if (!outgoing.write(chunk)) await Promise.race([drained(outgoing), promise]);
    }
    // A registry that has answered already wants no more: the connection ends with its answer.
    if (answered) (await promise).once("close", () => outgoing.destroy());
    else outgoing.end();
  } catch (error) {
    outgoing.destroy();
    reject(error);
  }
  return await promise;
}

function drained(outgoing: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => outgoing.once("drain", resolve));
}

function ignore(): void {}
