import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { Fault, hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { type Digest, digestOf, parseDigest } from "@slipway/oci/digest";
import type { Index } from "@slipway/oci/image";
import { isIndex, isManifest, mediaTypes } from "@slipway/oci/media-types";
import type { Reference } from "@slipway/oci/reference";
import type { CredentialSource } from "./auth/credentials.ts";
import { dockerCredentials } from "./auth/docker-config.ts";
import { type FetchOptions, fetchVerified } from "./fetch.ts";
import type { Capability } from "./hosts/endpoint.ts";
import { endpointsOf, type HostsOptions } from "./hosts/endpoints.ts";
import type { BandwidthLimit } from "./http/bandwidth.ts";
import { readBody } from "./http/failure.ts";
import { type CallOptions, Session } from "./session.ts";
import { type ReadRange, type UploadOptions, uploadBlob } from "./upload.ts";

export interface RegistryOptions extends HostsOptions {
  /** Docker's config.json unless told. What hosts.toml says of a host comes first. */
  readonly credentials?: CredentialSource;
  /** Sent with every request, but not to where a registry redirects to. */
  readonly headers?: OutgoingHttpHeaders;
  /** What is fetched waits for each of them. */
  readonly limits?: readonly BandwidthLimit[];
  /** Called with what a registry wants its users to read. */
  readonly onWarning?: (text: string) => void;
}

/** As containerd has it: an index of this size is an attack or a mistake. */
const maxManifestBytes = 4 * 1048 * 1048;
const accept = [
  mediaTypes.ociIndex,
  mediaTypes.dockerList,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifest,
  "*/*",
].join(", ");

/**
 * One repository at a registry, by https://github.com/opencontainers/distribution-spec, and at the registry's mirrors.
 * Their configuration is read anew for every operation.
 *
 * @example
 * const repository = new Repository(parseFamiliarReference("busybox"));
 * const target = await repository.resolve("latest");
 */
export class Repository {
  readonly #host: string;
  readonly #name: string;
  readonly #options: RegistryOptions;
  readonly #credentials: CredentialSource;
  readonly #sessions = new Map<string, Session>();

  constructor({ host, repository }: Pick<Reference, "host" | "repository">, options: RegistryOptions = {}) {
    this.#host = host;
    this.#name = repository;
    this.#options = options;
    this.#credentials = options.credentials ?? dockerCredentials();
  }

  /** What a tag or digest points to. @throws {Fault} `not_found` */
  async resolve(tagOrDigest: string, signal?: AbortSignal): Promise<Descriptor> {
    const isDigest = tagOrDigest.includes(":");
    const needs: Capability[] = isDigest ? ["pull"] : ["pull", "resolve"];
    const name = `${this.#host}/${this.#name}${isDigest ? "@" : ":"}${tagOrDigest}`;
    const options = { what: `resolve "${name}"`, headers: { accept }, ...optional(signal) };
    return await this.#anyOf(needs, name, async (session) => {
      const path = `/manifests/${tagOrDigest}`;
      const head = await session.call("HEAD", path, options);
      head.resume();
      if (head.statusCode === 404) throw new Fault("not_found", `${name}: not found`);
      const known = head.headers["docker-content-digest"] ?? (isDigest ? tagOrDigest : undefined);
      const size = Number(head.headers["content-length"]);
      const mediaType = head.headers["content-type"]?.split(";")[0];
      if (head.statusCode === 200 && typeof known === "string" && size > 0 && mediaType) {
        return { mediaType, digest: parseDigest(known), size };
      }
      // Some registries answer HEAD with less, or not at all; and a failure is explained in a body only.
      const response = await session.call("GET", path, options);
      if (response.statusCode !== 200) throw await session.failure(response, options.what);
      return await describeManifest(response, isDigest ? tagOrDigest : undefined);
    });
  }

  /**
   * The bytes of a blob or manifest from `offset` on. A broken connection is resumed where it broke. Read from the
   * start, the bytes are checked: the iteration ends with `data_loss` when they are not what the descriptor says.
   */
  fetch(target: Descriptor, options: FetchOptions = {}): AsyncGenerator<Uint8Array> {
    const { signal } = options;
    const what = `fetch ${target.digest}`;
    const open = (offset: number): Promise<IncomingMessage> =>
      this.#anyOf(["pull"], target.digest, async (session) => {
        const range = offset > 0 ? { range: `bytes=${offset}-` } : {};
        const headers = { accept: isBlob(target) ? "*/*" : accept, ...range };
        const response = await session.call("GET", pathOf(target), { what, headers, ...optional(signal) });
        if (response.statusCode === 200 || response.statusCode === 206) return response;
        throw await session.failure(response, what);
      });
    return fetchVerified(target, open, this.#options.limits ?? [], options);
  }

  async exists(target: Descriptor, signal?: AbortSignal): Promise<boolean> {
    return await this.#exists(await this.#toPush(), target, signal);
  }

  /** Uploads a blob unless it is there. */
  async pushBlob(
    target: Descriptor,
    read: ReadRange,
    options: UploadOptions = {},
  ): Promise<"pushed" | "existed" | "mounted"> {
    const session = await this.#toPush();
    if (await this.#exists(session, target, options.signal)) return "existed";
    return await uploadBlob(session, target, read, options);
  }

  /** Stores a manifest or index under a tag or its digest. */
  async pushManifest(
    target: Descriptor,
    body: Uint8Array,
    tagOrDigest: string = target.digest,
    signal?: AbortSignal,
  ): Promise<void> {
    const what = `push manifest ${tagOrDigest}`;
    const headers = { "content-type": target.mediaType, "content-length": String(body.length) };
    const session = await this.#toPush();
    const options: CallOptions = { what, push: true, headers, body, ...optional(signal) };
    const response = await session.call("PUT", `/manifests/${tagOrDigest}`, options);
    if (![200, 201, 202, 204].includes(response.statusCode ?? 0)) throw await session.failure(response, what);
    response.resume();
  }

  /** The repository's tags, page by page as the registry gives them. */
  async *tags(signal?: AbortSignal): AsyncGenerator<string> {
    const what = `list the tags of "${this.#name}"`;
    for (let path: string | URL | undefined = "/tags/list"; path !== undefined;) {
      const from: string | URL = path;
      const [response, body] = await this.#anyOf(["pull", "resolve"], this.#name, async (session) => {
        const answer = await session.call("GET", from, { what, ...optional(signal) });
        if (answer.statusCode !== 200) throw await session.failure(answer, what);
        const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(answer.headers.link?.toString() ?? "")?.[1];
        const page = next === undefined ? undefined : new URL(next, session.endpoint.base);
        return [page, await readBody(answer, maxManifestBytes)] as const;
      });
      const { tags } = JSON.parse(body.toString()) as { tags?: string[] | null };
      yield* tags ?? [];
      path = response;
    }
  }

  /** What refers to a manifest: signatures, attestations, SBOMs. Registries without that API keep a tag for it. */
  async referrers(subject: Digest, artifactType?: string, signal?: AbortSignal): Promise<Descriptor[]> {
    const what = `list what refers to ${subject}`;
    const headers = { accept: mediaTypes.ociIndex };
    const query = artifactType === undefined ? {} : { artifactType };
    try {
      const found = await this.#anyOf(["referrers"], subject, async (session) => {
        for (const path of [`/referrers/${subject}`, `/manifests/${subject.replace(":", "-")}`]) {
          const options = { what, headers, ...(path.startsWith("/r") ? { query } : {}), ...optional(signal) };
          const response = await session.call("GET", path, options);
          if (response.statusCode === 200) return await readBody(response, maxManifestBytes);
          if (![400, 404, 405].includes(response.statusCode ?? 0))
            throw await session.failure(response, what);
          response.resume();
        }
        throw new Fault("not_found", `${subject}: not found`);
      });
      const { manifests = [] } = JSON.parse(found.toString()) as Partial<Index>;
      return manifests.filter((one) => artifactType === undefined || one.artifactType === artifactType);
    } catch (error) {
      if (hasCode(error, "not_found")) return [];
      throw error;
    }
  }

  async #exists(session: Session, target: Descriptor, signal?: AbortSignal): Promise<boolean> {
    const what = `look for ${target.digest}`;
    const options = { what, push: true, headers: { accept }, ...optional(signal) };
    const response = await session.call("HEAD", pathOf(target), options);
    response.resume();
    if (response.statusCode === 200) return true;
    if (response.statusCode === 404) return false;
    throw await session.failure(response, what);
  }

  async #toPush(): Promise<Session> {
    const [session] = await this.#sessionsFor(["push"]);
    if (session) return session;
    throw new Fault("not_found", `no push hosts for "${this.#host}": not found`);
  }

  /** Asks one host after the other until one answers. Of several failures the one that got furthest counts. */
  async #anyOf<T>(
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
    const { headers, onWarning } = this.#options;
    return endpoints
      .filter(({ capabilities }) => needs.every((need) => capabilities.has(need)))
      .map((endpoint) => {
        const known = this.#sessions.get(endpoint.key);
        if (known) return known;
        const session = new Session(endpoint, this.#host, this.#name, {
          credentials: this.#credentials,
          ...(headers ? { headers } : {}),
          ...(onWarning ? { onWarning } : {}),
        });
        this.#sessions.set(endpoint.key, session);
        return session;
      });
  }
}

async function describeManifest(
  response: IncomingMessage,
  expected: string | undefined,
): Promise<Descriptor> {
  const body = await readBody(response, maxManifestBytes);
  const digest = digestOf(body);
  if (expected?.startsWith("sha256:") && digest !== expected) {
    throw new Fault("data_loss", `Cannot verify manifest ${expected}: received ${digest}`);
  }
  const header = response.headers["content-type"]?.split(";")[0];
  const { mediaType } = header?.endsWith("json")
    ? {}
    : (JSON.parse(body.toString()) as { mediaType?: string });
  return {
    mediaType: mediaType ?? header ?? mediaTypes.ociManifest,
    digest: expected === undefined ? digest : parseDigest(expected),
    size: body.length,
  };
}

/** A host that does not know is told from one that cannot be reached, and from one that refuses. */
function rankOf(error: unknown): number {
  if (error === undefined) return 0;
  if (hasCode(error, "unavailable")) return 1;
  return hasCode(error, "not_found") ? 2 : 3;
}

function optional(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}

function isBlob({ mediaType }: Descriptor): boolean {
  return !isIndex(mediaType) && !isManifest(mediaType);
}

function pathOf(target: Descriptor): string {
  return isBlob(target) ? `/blobs/${target.digest}` : `/manifests/${target.digest}`;
}
