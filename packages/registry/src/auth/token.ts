import type { OutgoingHttpHeaders } from "node:http";
import { Fault, messageOf } from "@slipway/fault/fault";
import { isLoopback } from "../http/agents.ts";
import { failureOf, readBody } from "../http/failure.ts";
import { type Link, send } from "../http/send.ts";
import type { Challenge } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";

/** A bearer token and when to ask for the next one. */
export interface Token {
  readonly header: string;
  readonly expiresAtMs: number;
}

interface TokenAnswer {
  readonly token?: string;
  readonly access_token?: string;
  readonly expires_in?: number;
}

export interface TokenRequest {
  readonly challenge: Challenge;
  readonly scopes: readonly string[];
  readonly credentials: Credentials | undefined;
  /** The registry that sent the challenge. */
  readonly registry: URL;
  readonly link: Link;
  readonly signal?: AbortSignal;
}

const maxTokenBytes = 1024 * 1024;
/** What the specification says when the answer does not. */
const defaultLifeSeconds = 60;
const clientId = "slipway";

/**
 * Gets a token from the server that a challenge names: https://distribution.github.io/distribution/spec/auth/token/, and
 * with an identity token https://distribution.github.io/distribution/spec/auth/oauth/.
 * @throws {Fault} `unauthenticated`
 */
export async function fetchToken(request: TokenRequest): Promise<Token> {
  const { challenge, scopes, credentials, registry, link, signal } = request;
  const { realm, service } = challenge.parameters;
  if (realm === undefined || !URL.canParse(realm)) {
    throw new Fault("unauthenticated", `Cannot log in to ${registry.host}: the challenge names no realm`);
  }
  const url = new URL(realm);
  const isOpen = url.protocol !== "https:" && !isLoopback(url.hostname);
  if (credentials && registry.protocol === "https:" && isOpen) {
    throw new Fault(
      "unauthenticated",
      `Cannot log in to ${registry.host}: its realm ${realm} is not encrypted`,
    );
  }
  const parameters = new URLSearchParams();
  if (service !== undefined) parameters.set("service", service);
  const oauth = credentials?.kind === "identity-token";
  if (oauth) {
    parameters.set("grant_type", "refresh_token");
    parameters.set("refresh_token", credentials.token);
    parameters.set("client_id", clientId);
    if (scopes.length > 0) parameters.set("scope", scopes.join(" "));
  } else {
    for (const scope of scopes) parameters.append("scope", scope);
    if (credentials?.kind === "password") parameters.set("account", credentials.username);
    for (const [name, value] of parameters) url.searchParams.append(name, value);
  }
  const body = oauth ? Buffer.from(parameters.toString()) : undefined;
  const headers: OutgoingHttpHeaders = {};
  if (body) {
    headers["content-type"] = "application/x-www-form-urlencoded";
    headers["content-length"] = body.length;
  } else if (credentials?.kind === "password") headers["authorization"] = basic(credentials);
  const response = await send({
    method: oauth ? "POST" : "GET",
    url,
    headers,
    ...(body ? { body } : {}),
    link,
    ...(signal ? { signal } : {}),
  });
  if (response.statusCode !== 200) throw await failureOf(response, `get a token from ${url.origin}`);
  return toToken((await readBody(response, maxTokenBytes)).toString(), url);
}

/** The value of an Authorization header, by RFC 7617. */
export function basic({
  username,
  password,
}: {
  readonly username: string;
  readonly password: string;
}): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

function toToken(text: string, url: URL): Token {
  let answer: TokenAnswer;
  try {
    answer = JSON.parse(text) as TokenAnswer;
  } catch (error) {
    throw new Fault("unauthenticated", `Cannot log in: ${url.origin} answered: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const token = answer.token ?? answer.access_token;
  if (!token) throw new Fault("unauthenticated", `Cannot log in: ${url.origin} gave no token`);
  const lifeSeconds = answer.expires_in ?? defaultLifeSeconds;
  // A tenth early: it must still hold when it arrives.
  return { header: `Bearer ${token}`, expiresAtMs: Date.now() + lifeSeconds * 900 };
}
