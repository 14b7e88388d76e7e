import type { OutgoingHttpHeaders } from "node:http";
import { Fault, hasCode } from "@slipway/fault/fault";
import type { CredentialSource } from "./auth/credentials.ts";
import { dockerCredentials } from "./auth/docker-config.ts";
import type { Capability } from "./hosts/endpoint.ts";
import { endpointsOf, type HostsOptions } from "./hosts/endpoints.ts";
import type { BandwidthLimit } from "./http/bandwidth.ts";
import { Session } from "./session.ts";

export interface RegistryOptions extends HostsOptions {
  /** Docker's config.json unless told. What hosts.toml says of a host comes first. */
  readonly credentials?: CredentialSource;
  /** Sent with every request, but not to where a registry redirects to. */
  readonly headers?: OutgoingHttpHeaders;
  /** What is fetched waits for each of them. */
  readonly limits?: readonly BandwidthLimit[];
  /** Called with what a registry wants its users to read, once for each text. */
  readonly onWarning?: (text: string) => void;
}

/** The hosts that serve one repository, as they are configured at the moment. A session lasts while its host's lines do. */
export class RepositoryHosts {
  readonly #host: string;
  readonly #name: string;
  readonly #options: RegistryOptions;
  readonly #credentials: CredentialSource;
  readonly #sessions = new Map<string, Session>();
  readonly #warned = new Set<string>();

  constructor(host: string, name: string, options: RegistryOptions) {
    this.#host = host;
    this.#name = name;
    this.#options = options;
    this.#credentials = options.credentials ?? dockerCredentials();
  }

  async toPush(): Promise<Session> {
    const [session] = await this.#sessionsFor(["push"]);
    if (session) return session;
    throw new Fault("not_found", `no push hosts for "${this.#host}": not found`);
  }

  /** Asks one host after the other until one answers. Of several failures the one that got furthest counts. */
  async anyOf<T>(
    needs: readonly Capability[],
    name: string,
    ask: (session: Session) => Promise<T>,
  ): Promise<T> {
    let failure: unknown;
    for (const session of await this.#sessionsFor(needs)) {
      try {
        return await ask(session);
      } catch (error) {
        if ((error as Error).name === "AbortError") throw error;
        if (rankOf(error) > rankOf(failure)) failure = error;
      }
    }
    throw failure ?? new Fault("not_found", `${name}: no ${needs.at(-1)} hosts: not found`);
  }

  async #sessionsFor(needs: readonly Capability[]): Promise<Session[]> {
    const endpoints = await endpointsOf(this.#host, this.#options);
    const { headers } = this.#options;
    return endpoints
      .filter(({ capabilities }) => needs.every((need) => capabilities.has(need)))
      .map((endpoint) => {
        const known = this.#sessions.get(endpoint.key);
        if (known) return known;
        const session = new Session(endpoint, this.#host, this.#name, {
          credentials: this.#credentials,
          ...(headers ? { headers } : {}),
          onWarning: (text) => this.#warn(text),
        });
        this.#sessions.set(endpoint.key, session);
        return session;
      });
  }

  /** Registries say it again with every answer. */
  #warn(text: string): void {
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.#options.onWarning?.(text);
  }
}

/** A host that does not know is told from one that cannot be reached, and from one that refuses. */
function rankOf(error: unknown): number {
  if (error === undefined) return 0;
  if (hasCode(error, "unavailable")) return 1;
  return hasCode(error, "not_found") ? 2 : 3;
}
