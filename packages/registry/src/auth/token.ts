import type { OutgoingHttpHeaders } from "node:http";
import { Fault } from "@slipway/fault/fault";
import { isLoopback } from "../http/agents.ts";
import { failureOf, readBody } from "../http/failure.ts";
import { HostHealth } from "../http/host-health.ts";
import { withParameter } from "../http/location.ts";
import { isPage, pageInstead } from "../http/page.ts";
import type { HttpResponse } from "../http/response.ts";
import { withRetries } from "../http/retry.ts";
import { type Link, send } from "../http/send.ts";
import { shownUrl } from "../http/shown-url.ts";
import type { Challenge } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";
import { readTokenDocument } from "./token-document.ts";

/** A bearer token and when to ask for the next one. */
export interface Token {
  readonly header: string;
  /** By `performance.now()`: setting the clock makes no token older. */
  readonly expiresAtMs: number;
}

export interface TokenRequest {
  readonly challenge: Challenge;
  readonly scopes: readonly string[];
  readonly credentials: Credentials | undefined;
  /** The registry that is logged in to. */
  readonly registry: URL;
  /** What sent the challenge. */
  readonly answeredUrl: URL;
  readonly link: Link;
  readonly signal?: AbortSignal;
}

const maxTokenBytes = 1024 * 1024;
const clientId = "slipway";

/**
 * Gets a token from the server that a challenge names: https://distribution.github.io/distribution/spec/auth/token/, and
 * with an identity token https://distribution.github.io/distribution/spec/auth/oauth/.
 * @throws {Fault} `unauthenticated`
 */
export async function fetchToken(request: TokenRequest): Promise<Token> {
  const { scopes, credentials, link, signal } = request;
  const { service } = request.challenge.parameters;
  let url = realmOf(request);
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
    for (const [name, value] of parameters) url = withParameter(url, name, value);
  }
  const body = oauth ? Buffer.from(parameters.toString()) : undefined;
  const headers: OutgoingHttpHeaders = {};
  if (body) {
    headers["content-type"] = "application/x-www-form-urlencoded";
    headers["content-length"] = body.length;
  } else if (credentials?.kind === "password") headers["authorization"] = basic(credentials);
  const once = async (): Promise<HttpResponse> =>
    await send({
      method: oauth ? "POST" : "GET",
      url,
      headers: { "user-agent": "slipway", ...headers },
      ...(body ? { body } : {}),
      link,
      ...(signal ? { signal } : {}),
    });
  const health = HostHealth.of(url.origin);
  const { retryDelayMs } = link;
  const response = await withRetries(once, { health, retryDelayMs, ...(signal ? { signal } : {}) });
  const what = `get a token for ${request.registry.host}`;
  if (response.statusCode !== 200) throw await failureOf(response, what);
  const text = await readBody(response, maxTokenBytes);
  if (isPage(text)) throw pageInstead(response, what, "a token", text);
  const { token, lifeSeconds } = readTokenDocument(`the token of ${shownUrl(url)}`, text);
  // A tenth early: it must still hold when it arrives.
  return { header: `Bearer ${token}`, expiresAtMs: performance.now() + lifeSeconds * 900 };
}

/** Where a challenge says that tokens are. */
function realmOf({ challenge, credentials, registry, answeredUrl }: TokenRequest): URL {
  const { realm = "" } = challenge.parameters;
  const no = (why: string): Fault =>
    new Fault("unauthenticated", `Cannot log in to ${registry.host}: ${why}`);
  if (realm === "") throw no(`the challenge of ${shownUrl(answeredUrl)} names no realm`);
  const url = URL.canParse(realm) || /^[/]/.test(realm) ? new URL(realm, answeredUrl) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol)) {
    const shown = JSON.stringify(realm.slice(0, 200));
    throw no(`the challenge of ${shownUrl(answeredUrl)} has the realm ${shown}, which is no address of HTTP`);
  }
  const isOpen = url.protocol !== "https:" && !isLoopback(url.hostname);
  if (credentials && answeredUrl.protocol === "https:" && isOpen) {
    throw no(`its realm ${shownUrl(url)} is not encrypted`);
  }
  return url;
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
