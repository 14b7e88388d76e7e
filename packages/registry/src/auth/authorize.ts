import { Fault } from "@slipway/fault/fault";
import type { Link } from "../http/send.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Credentials, CredentialSource } from "./credentials.ts";
import { basic, fetchToken, type Token } from "./token.ts";

/** Answers the challenges of one registry and remembers the answers: a token by its scopes, a password for all. */
export class Authorizer {
  readonly #registry: URL;
  readonly #link: Link;
  readonly #source: CredentialSource;
  readonly #tokens = new Map<string, Promise<Token>>();
  #basic: string | undefined;
  #used: Credentials | undefined;

  constructor(registry: URL, link: Link, source: CredentialSource) {
    this.#registry = registry;
    this.#link = link;
    this.#source = source;
  }

  /** The Authorization header for scopes such as `repository:library/busybox:pull`, when one is known. */
  async headerFor(scopes: readonly string[]): Promise<string | undefined> {
    if (this.#basic !== undefined) return this.#basic;
    // Its failure is told to whoever asked for it.
    const token = await this.#tokens.get(keyOf(scopes))?.catch(() => undefined);
    return token && token.expiresAtMs > performance.now() ? token.header : undefined;
  }

  /**
   * Finds an answer to the 401 of an address. `refused` is the header that was sent, if any.
   * @throws {Fault} `unauthenticated` when there is no way to log in, with the place where credentials were looked for
   */
  async answer(
    challenge: string,
    answeredUrl: URL,
    scopes: readonly string[],
    refused: string | undefined,
    signal?: AbortSignal,
  ): Promise<void> {
    const key = keyOf(scopes);
    // Of many calls that were refused at once, the first gets a token for all.
    const known = await this.#tokens.get(key)?.catch(() => undefined);
    if (known && known.header !== refused && known.expiresAtMs > performance.now()) return;
    const challenges = parseChallenges(challenge);
    const credentials = await this.#source.find(this.#registry.host);
    this.#used = credentials;
    const bearers = challenges.filter(({ scheme }) => scheme === "bearer");
    const canBeBasic =
      challenges.some(({ scheme }) => scheme === "basic") && credentials?.kind === "password";
    // A challenge without a realm leads nowhere: another one may.
    const bearer =
      bearers.find(({ parameters }) => parameters["realm"]) ?? (canBeBasic ? undefined : bearers[0]);
    if (credentials?.kind === "header") {
      this.#basic = credentials.value;
    } else if (bearer) {
      await this.#askFor(bearer, key, scopes, credentials, answeredUrl, signal);
    } else if (canBeBasic) {
      this.#basic = basic(credentials);
    } else {
      throw new Fault("unauthenticated", `Cannot log in to ${this.#registry.host}${this.note()}`);
    }
  }

  async #askFor(
    challenge: Challenge,
    key: string,
    scopes: readonly string[],
    credentials: Credentials | undefined,
    answeredUrl: URL,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const token = fetchToken({
      challenge,
      scopes: scopesOf(challenge.parameters["scope"], scopes),
      credentials,
      registry: this.#registry,
      answeredUrl,
      link: this.#link,
      ...(signal ? { signal } : {}),
    });
    this.#tokens.set(key, token);
    try {
      await token;
    } catch (error) {
      this.#tokens.delete(key);
      throw this.#explain(error);
    }
  }

  /** Says which credentials were used, or where there were none. */
  note(): string {
    const used = this.#used;
    if (!used) return ` (no credentials for "${this.#registry.host}" in ${this.#source.origin})`;
    const who = used.kind === "password" ? ` of "${used.username}"` : "";
    return ` (with the credentials${who} from ${used.origin})`;
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof Fault) || !["unauthenticated", "permission_denied"].includes(error.code))
      return error;
    return new Fault("unauthenticated", `${error.message}${this.note()}`, { cause: error });
  }
}

function keyOf(scopes: readonly string[]): string {
  return scopes.toSorted().join(" ");
}

/** What is asked for, and what the registry says that it takes besides. */
function scopesOf(challenged: string | undefined, wanted: readonly string[]): string[] {
  const others = (challenged ?? "")
    .split(/\s+/)
    .filter((scope) => scope !== "" && !coversSame(scope, wanted));
  return [...wanted, ...others];
}

function coversSame(scope: string, wanted: readonly string[]): boolean {
  const name = scope.slice(0, scope.lastIndexOf(":"));
  return wanted.some((one) => one.slice(0, one.lastIndexOf(":")) === name);
}
