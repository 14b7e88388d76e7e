import { isIP } from "node:net";
import { TLSSocket } from "node:tls";
import type { OfferingAgent } from "./agents.ts";

/** A TLS connection of one's own on which HTTP/2 was offered, made as the agent makes those of its requests. */
export async function connectOffering(agent: OfferingAgent, url: URL, timeoutMs: number): Promise<TLSSocket> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = Number(url.port || 443);
  const servername = isIP(host) ? "" : host;
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  // Through a proxy, the first socket is the tunnel's, and the callback has the one in the tunnel.
  const own = { host, port, servername, ALPNProtocols: ["h2", "http/1.1"] };
  const made = agent.createConnection({ ...agent.options, ...own }, (error, socket) =>
    socket instanceof TLSSocket ? resolve(socket) : reject(error),
  );
  made?.on("error", reject);
  if (made instanceof TLSSocket) made.once("secureConnect", () => resolve(made));
  const timer = setTimeout(() => {
    made?.destroy();
    reject(new Error(`no connection after ${timeoutMs} ms`));
  }, timeoutMs);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
