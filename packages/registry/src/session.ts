import type { OutgoingHttpHeaders } from "node:http";
import { Fault } from "@slipway/fault/fault";
import { Authorizer } from "./auth/authorize.ts";
import { type CredentialSource, firstOf } from "./auth/credentials.ts";
import type { Endpoint } from "./hosts/endpoint.ts";
import { failureOf } from "./http/failure.ts";
import { drain } from "./http/drain.ts";
import { HostHealth } from "./http/host-health.ts";
import type { HttpResponse } from "./http/response.ts";
import { withRetries } from "./http/retry.ts";
import { type Body, isSameServer, send } from "./http/send.ts";
import { warningsOf } from "./http/warnings.ts";

export interface CallOptions {
  /** What for, in the words of a message: `resolve "team/app:1.0"`. */
  readonly what: string;
  readonly push?: boolean;
  /** Scopes besides the repository's own. */
  readonly scopes?: readonly string[];
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Body;
  /** Many bytes are going to come; see HttpRequest. */
  readonly isBulk?: boolean;
  /** A body that is not to be sent twice, or a caller who knows better. */
  readonly retries?: boolean;
  readonly signal?: AbortSignal;
}

export interface SessionOptions {
  readonly credentials: CredentialSource;
  /** Sent with every request, to this host only. */
  readonly headers?: OutgoingHttpHeaders;
  readonly onWarning?: (text: string) => void;
}

/** One repository at one of its hosts: logged in when the host asks for it. */
export class Session {
  readonly endpoint: Endpoint;
  readonly #namespace: string;
  readonly #repository: string;
  readonly #options: SessionOptions;
  readonly #authorizer: Authorizer;
  readonly #others = new Map<string, Authorizer>();
  readonly #health: HostHealth;

  constructor(endpoint: Endpoint, namespace: string, repository: string, options: SessionOptions) {
    this.endpoint = endpoint;
    this.#namespace = namespace;
    this.#repository = repository;
    this.#options = options;
    const url = new URL(endpoint.base);
    const own = endpoint.credentials;
    // A mirror gets what was said to be for it, and what is known of its own name; never the registry's.
    const source = own ? firstOf([own, options.credentials]) : options.credentials;
    this.#authorizer = new Authorizer(url, endpoint.link, source);
    this.#health = HostHealth.of(url.origin);
  }

  /** `path` begins below the repository's name; a URL is one that the host gave. */
  async call(method: string, path: string | URL, options: CallOptions): Promise<HttpResponse> {
    const url = path instanceof URL ? path : this.#urlOf(path, options.query);
    const scope = `repository:${this.#repository}:${options.push ? "pull,push" : "pull"}`;
    const scopes = [scope, ...(options.scopes ?? [])];
    const { body, signal, isBulk = typeof body === "function" } = options;
    const { link } = this.endpoint;
    const configured = this.#isOwn(url) ? { ...this.endpoint.headers, ...this.#options.headers } : {};
    let sent: string | undefined;
    const once = async (): Promise<HttpResponse> =>
      await send({
        method,
        url,
        headers: { "user-agent": "slipway", ...configured, ...options.headers },
        link,
        authorize: async (to) => (sent = await this.#authorizerOf(to)?.headerFor(scopes)),
        isBulk,
        ...(body ? { body } : {}),
        ...(signal ? { signal } : {}),
      });
    const retry = { health: this.#health, retryDelayMs: link.retryDelayMs, ...(signal ? { signal } : {}) };
    const attempt = (): Promise<HttpResponse> =>
      options.retries === false ? once() : withRetries(once, retry);
    let response = await attempt();
    const challenge = response.headersDistinct["www-authenticate"]?.join(", ");
    if (response.statusCode === 401 && challenge !== undefined) {
      drain(response);
      const { answeredUrl } = response.exchange;
      await this.#challengedBy(answeredUrl).answer(challenge, answeredUrl, scopes, sent, signal);
      response = await attempt();
    }
    for (const warning of warningsOf(response)) this.#options.onWarning?.(warning);
    if (response.statusCode === 401) throw await this.#refusal(response, options);
    return response;
  }

  #isOwn(url: URL): boolean {
    return isSameServer(url, new URL(this.endpoint.base), this.endpoint.link);
  }

  #authorizerOf(url: URL): Authorizer | undefined {
    return this.#isOwn(url) ? this.#authorizer : this.#others.get(url.origin);
  }

  /** Where this host sends requests on to may be a registry with logins of its own: it gets those, and no others. */
  #challengedBy(url: URL): Authorizer {
    const known = this.#authorizerOf(url);
    if (known) return known;
    const made = new Authorizer(new URL(url.origin), this.endpoint.link, this.#options.credentials);
    this.#others.set(url.origin, made);
    return made;
  }

  /** The failure of a response, with the credentials that were used when they may be the reason. */
  async failure(response: HttpResponse, what: string): Promise<Fault> {
    const fault = await failureOf(response, what);
    if (response.statusCode !== 403) return fault;
    return new Fault(
      fault.code,
      `${fault.message}${this.#challengedBy(response.exchange.answeredUrl).note()}`,
    );
  }

  async #refusal(response: HttpResponse, { what, push }: CallOptions): Promise<Fault> {
    const { message } = await failureOf(response, what);
    const denied = `${push ? "push" : "pull"} access denied, repository does not exist or may require authorization`;
    const note = this.#challengedBy(response.exchange.answeredUrl).note();
    return new Fault("unauthenticated", `${denied}: ${message}${note}`);
  }

  #urlOf(path: string, query: Readonly<Record<string, string>> = {}): URL {
    const url = new URL(`${this.endpoint.base}/${this.#repository}${path}`);
    for (const [name, value] of Object.entries(query)) url.searchParams.append(name, value);
    if (this.endpoint.isMirror) url.searchParams.set("ns", this.#namespace);
    return url;
  }
}
