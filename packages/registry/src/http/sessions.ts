import type { ClientHttp2Session } from "node:http2";
import { type OfferingAgent, agentFor, type TlsSettings } from "./agents.ts";
import { connectOffering } from "./connect.ts";
import { maxHeaderBytes } from "./unreachable.ts";

/** More than a connection's delay times its rate: a sender that waits for us to read waits for nothing. */
const windowBytes = 4 * 1024 * 1024;
const idleMs = 60_000;
const maxHeaders = 10_000;
/** By server and how it is connected to; nothing stands for one that speaks HTTP/1.1. */
const sessions = new Map<string, Promise<ClientHttp2Session | undefined>>();

/**
 * The HTTP/2 session with a server that has one for all who speak with it in the same way. Nothing when the server prefers
 * HTTP/1.1: that is remembered, and the connection on which it said so is the agent's.
 * @throws what keeps the connection from being made
 */
export async function sessionWith(
  url: URL,
  tls: TlsSettings | undefined,
  dialTimeoutMs: number,
): Promise<ClientHttp2Session | undefined> {
  const key = `${url.host} ${JSON.stringify(tls)}`;
  const known = sessions.get(key);
  if (known) return await known;
  const agent = agentFor(url, tls) as OfferingAgent;
  const made = openSession(agent, url, dialTimeoutMs, () => sessions.delete(key));
  sessions.set(key, made);
  try {
    return await made;
  } catch (error) {
    sessions.delete(key);
    throw error;
  }
}

async function openSession(
  agent: OfferingAgent,
  url: URL,
  dialTimeoutMs: number,
  forget: () => void,
): Promise<ClientHttp2Session | undefined> {
  const socket = await connectOffering(agent, url, dialTimeoutMs);
  if (socket.alpnProtocol !== "h2") {
    agent.keep(url, socket);
    return undefined;
  }
  // Loaded when a registry speaks it.
  const { connect } = process.getBuiltinModule("node:http2");
  const session = connect(url.origin, {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: windowBytes, maxHeaderListSize: maxHeaderBytes },
    maxHeaderListPairs: maxHeaders,
  });
  session.once("connect", () => session.setLocalWindowSize(windowBytes * 4));
  // Its streams have the error, and those that come later get a new session.
  session.on("error", forget).on("goaway", forget).on("close", forget);
  session.setTimeout(idleMs, () => session.close());
  session.unref();
  return session;
}
