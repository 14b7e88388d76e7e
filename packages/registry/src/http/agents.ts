import { Agent as HttpAgent, type AgentOptions } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { createSecureContext, getCACertificates, type TLSSocket } from "node:tls";
import { Fault, messageOf } from "@slipway/fault/fault";
import { readingIntoOneBuffer } from "./one-buffer.ts";

/** How a server proves who it is, and we to it. PEM, not file names: what is read anew is used anew. */
export interface TlsSettings {
  /** Trusted besides the machine's. */
  readonly ca: readonly string[];
  readonly clients: readonly { readonly certificate: string; readonly key: string }[];
  readonly skipVerify: boolean;
}

/** Whether connections are made to servers themselves: what a proxy says before it passes bytes on is read otherwise. */
function isDirect(): boolean {
  return !Object.keys(process.env).some((name) => /^https?_proxy$/i.test(name));
}

class PlainAgent extends HttpAgent {
  override createConnection(
    ...[options, callback]: Parameters<HttpAgent["createConnection"]>
  ): ReturnType<HttpAgent["createConnection"]> {
    if (!isDirect()) return super.createConnection(options, callback);
    return readingIntoOneBuffer((onread) =>
      super.createConnection(Object.assign({}, options, { onread }), callback),
    );
  }
}

const plainAgents = new Map<string, HttpAgent>();
const secureAgents = new Map<string, OfferingAgent>();

/** An agent that takes over connections which were made to find out what a server speaks. */
export class OfferingAgent extends HttpsAgent {
  readonly #kept = new Map<string, TLSSocket>();

  /** The next request to that server gets the connection. */
  keep(url: URL, socket: TLSSocket): void {
    const key = `${url.hostname.replace(/^\[|\]$/g, "")}:${url.port || 443}`;
    // Should it end before, nobody else listens.
    socket.on("error", () => {}).once("close", () => this.#kept.delete(key));
    this.#kept.set(key, socket);
  }

  override createConnection(
    ...[options, callback]: Parameters<HttpsAgent["createConnection"]>
  ): ReturnType<HttpsAgent["createConnection"]> {
    const key = `${options.host}:${options.port}`;
    const offers2 = (options as { ALPNProtocols?: string[] }).ALPNProtocols?.includes("h2");
    const kept = offers2 ? undefined : this.#kept.get(key);
    if (kept) {
      this.#kept.delete(key);
      return kept;
    }
    if (offers2 || !isDirect()) return super.createConnection(options, callback);
    return readingIntoOneBuffer((onread) =>
      super.createConnection(Object.assign({}, options, { onread }), callback),
    );
  }
}

/** An agent keeps connections: those with equal settings share one. Proxies come from the environment, as with curl. */
export function agentFor(url: URL, tls: TlsSettings | undefined): HttpAgent {
  // Go's clients never ask a proxy for the machine itself, and users count on that.
  const proxied = !isLoopback(url.hostname);
  const key = `${proxied} ${url.protocol === "https:" ? JSON.stringify(tls) : ""}`;
  const base: AgentOptions = { keepAlive: true, ...(proxied ? { proxyEnv: process.env } : {}) };
  if (url.protocol !== "https:") return found(plainAgents, key, () => new PlainAgent(base));
  return found(secureAgents, key, () => {
    const { ca = [], clients = [], skipVerify = false } = tls ?? {};
    try {
      const secureContext = createSecureContext({
        ca: skipVerify && ca.length === 0 ? [] : [...machineRoots(), ...ca],
        cert: clients.map(({ certificate }) => certificate),
        key: clients.map(({ key }) => key),
      });
      return new OfferingAgent({
        ...base,
        ALPNProtocols: ["http/1.1"],
        secureContext,
        rejectUnauthorized: !skipVerify,
      });
    } catch (error) {
      throw new Fault(
        "invalid_argument",
        `Cannot use the certificates for ${url.host}: ${messageOf(error)}`,
        {
          cause: error,
        },
      );
    }
  });
}

/** Whether a host name or address, with brackets or without, is this machine. */
export function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/i.test(hostname);
}

let roots: readonly string[] | undefined;

/** The machine's certificates, where an administrator puts a company's; Node's own where there are none. */
function machineRoots(): readonly string[] {
  if (roots) return roots;
  const system = getCACertificates("system");
  roots = [...(system.length > 0 ? system : getCACertificates("bundled")), ...getCACertificates("extra")];
  return roots;
}

function found<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
