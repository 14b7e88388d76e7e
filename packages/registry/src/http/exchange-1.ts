import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { agentFor } from "./agents.ts";
import type { HttpResponse } from "./response.ts";
import type { HttpRequest } from "./send.ts";
import { unreachable } from "./unreachable.ts";

/** Sends one request over a connection of its own as long as it lasts, and gives the answer when its headers are there. */
export async function exchange1({
  method,
  url,
  headers,
  body,
  link,
  signal,
}: HttpRequest): Promise<HttpResponse> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
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

function drained(outgoing: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => outgoing.once("drain", resolve));
}

function ignore(): void {}
