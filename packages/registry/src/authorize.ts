import { Fault } from "@slipway/fault/fault";
import { parseChallenges, type Challenge } from "./challenge.ts";
import type { Credentials, CredentialSource } from "./credentials.ts";
import { failureOf, readBody, send } from "./http.ts";

const maxTokenBytes = 1024 * 1024;

/** Answers a registry's challenges and remembers the answers by scope. */
export class Authorizer {
  readonly #host: string;
  readonly #credentials: CredentialSource;
  readonly #headers = new Map<string, string>();

  constructor(host: string, credentials: CredentialSource) {
    this.#host = host;
    this.#credentials = credentials;
  }

  /** The Authorization header for a scope such as `repository:library/busybox:pull`, when one is known. */
  headerFor(scope: string): string | undefined {
    return this.#headers.get(scope);
  }

  /** @throws {Fault} `unauthenticated` when there is no way to log in */
  async answer(header: string, scope: string, signal?: AbortSignal): Promise<void> {
    const challenges = parseChallenges(header);
    const credentials = await this.#credentials(this.#host);
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer) {
      this.#headers.set(scope, `Bearer ${await fetchToken(bearer, scope, credentials, signal)}`);
    } else if (challenges.some(({ scheme }) => scheme === "basic") && credentials) {
      this.#headers.set(scope, basic(credentials));
    } else {
      throw new Fault("unauthenticated", `Cannot log in to ${this.#host}: no credentials`);
    }
  }
}

function basic({ username, password }: Credentials): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** https://distribution.github.io/distribution/spec/auth/token/ */
async function fetchToken(
  { parameters }: Challenge,
  scope: string,
  credentials: Credentials | undefined,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { realm, service } = parameters;
  if (realm === undefined || !URL.canParse(realm)) {
    throw new Fault("unauthenticated", "Cannot log in: the challenge names no realm");
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  url.searchParams.set("scope", scope);
  const response = await send({
    method: "GET",
    url,
    headers: credentials ? { authorization: basic(credentials) } : {},
    ...(signal ? { signal } : {}),
  });
  if (response.statusCode !== 200) throw await failureOf(response, `get a token from ${url.origin}`);
  const answer = JSON.parse((await readBody(response, maxTokenBytes)).toString()) as {
    token?: string;
    access_token?: string;
  };
  const token = answer.token ?? answer.access_token;
  if (!token) throw new Fault("unauthenticated", `Cannot log in: ${url.origin} gave no token`);
  return token;
}
