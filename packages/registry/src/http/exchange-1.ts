import { type ClientRequest, request as httpRequest, type RequestOptions } from "node:http";
import { request as httpsRequest } from "node:https";
import { Fault, messageOf } from "@slipway/fault/fault";
import { agentFor } from "./agents.ts";
import type { HttpAnswer } from "./response.ts";
import type { HttpRequest } from "./send.ts";
import { shownUrl } from "./shown-url.ts";
import { maxHeaderBytes, unreachable } from "./unreachable.ts";

/** Sends one request over a connection of its own as long as it lasts, and gives the answer when its headers are there. */
export async function exchange1({
  method,
  url,
  headers,
  body,
  link,
  signal,
}: HttpRequest): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  // It may fail while the body's next bytes are waited for, when nobody waits for the answer yet.
  promise.catch(() => {});
  const outgoing = begin(url, {
    method,
    headers,
    agent: agentFor(url, link.tls),
    timeout: link.stallTimeoutMs,
    maxHeaderSize: maxHeaderBytes,
    ...(signal ? { signal } : {}),
  });
  // All of them: by default those after the 2000th are left out.
  outgoing.maxHeadersCount = 0;
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
    reject(error.name === "AbortError" ? error : unreachable(url, error));
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

/** node:http gives a large body in bigger pieces and with less work than fetch. */
function begin(url: URL, options: RequestOptions): ClientRequest {
  try {
    return (url.protocol === "https:" ? httpsRequest : httpRequest)(url, options);
  } catch (error) {
    const why = `Cannot ask ${shownUrl(url)}: ${messageOf(error)}`;
    throw new Fault("invalid_argument", why, { cause: error });
  }
}

function drained(outgoing: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => outgoing.once("drain", resolve));
}

function ignore(): void {}
