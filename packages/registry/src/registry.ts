import type { IncomingMessage } from "node:http";
import { createHash } from "node:crypto";
import { Fault } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { algorithmOf, type Digest, digestFromHash, digestOf, parseDigest } from "@slipway/oci/digest";
import { isIndex, isManifest, mediaTypes } from "@slipway/oci/media-types";
import type { Reference } from "@slipway/oci/reference";
import { Authorizer } from "./authorize.ts";
import { type CredentialSource, dockerCredentials } from "./credentials.ts";
import { failureOf, readBody, send } from "./http.ts";
import { withRetries } from "./retry.ts";

export interface RegistryOptions {
  /** Docker's config.json unless told. */
  readonly credentials?: CredentialSource;
  /** http instead of https; loopback hosts get it unless told. */
  readonly plainHttp?: boolean;
}

const maxManifestBytes = 8 * 1024 * 1024;
const maxResumes = 5;
const accept = [
  mediaTypes.ociIndex,
  mediaTypes.dockerList,
  mediaTypes.ociManifest,
  mediaTypes.dockerManifest,
  "*/*",
].join(", ");

/**
 * One repository at a registry, by https://github.com/opencontainers/distribution-spec.
 *
 * @example
 * const repository = new Repository(parseFamiliarReference("busybox"));
 * const target = await repository.resolve("latest");
 */
export class Repository {
  readonly #base: string;
  readonly #name: string;
  readonly #authorizer: Authorizer;

  constructor({ host, repository }: Pick<Reference, "host" | "repository">, options: RegistryOptions = {}) {
    const server = host === "docker.io" ? "registry-1.docker.io" : host;
    const plain = options.plainHttp ?? isLoopback(server);
    this.#name = repository;
    this.#base = `${plain ? "http" : "https"}://${server}/v2/${repository}`;
    this.#authorizer = new Authorizer(server, options.credentials ?? dockerCredentials());
  }

  /** What a tag or digest points to. @throws {Fault} `not_found` */
  async resolve(tagOrDigest: string, signal?: AbortSignal): Promise<Descriptor> {
    const what = `resolve "${this.#name}:${tagOrDigest}"`;
    const path = `/manifests/${tagOrDigest}`;
    const head = await this.#call("HEAD", path, { headers: { accept }, ...optional(signal) });
    head.resume();
    const digest =
      head.headers["docker-content-digest"] ?? (tagOrDigest.includes(":") ? tagOrDigest : undefined);
    const size = Number(head.headers["content-length"]);
    const mediaType = head.headers["content-type"]?.split(";")[0];
    if (head.statusCode === 200 && typeof digest === "string" && size > 0 && mediaType) {
      return { mediaType, digest: parseDigest(digest), size };
    }
    // Some registries answer HEAD with less, or not at all.
    const response = await this.#call("GET", path, { headers: { accept }, ...optional(signal) });
    if (response.statusCode !== 200) throw await failureOf(response, what);
    const body = await readBody(response, maxManifestBytes);
    const { mediaType: named } = JSON.parse(body.toString()) as { mediaType?: string };
    const type = response.headers["content-type"]?.split(";")[0] ?? named ?? mediaTypes.ociManifest;
    return { mediaType: type, digest: digestOf(body), size: body.length };
  }

  /**
   * The bytes of a blob or manifest from `offset` on. A broken connection is resumed where it broke. Read from the
   * start, the bytes are checked: the iteration ends with `data_loss` when they are not what the descriptor says.
   */
  async *fetch(
    target: Descriptor,
    { offset = 0, signal }: { readonly offset?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array> {
    const hash = offset === 0 ? createHash(algorithmOf(target.digest)) : undefined;
    let at = offset;
    for (let resumes = 0; at < target.size; resumes += 1) {
      try {
        for await (const chunk of await this.#open(target, at, signal)) {
          at += chunk.length;
          if (at > target.size) throw mismatch(target, `more than ${target.size} bytes`);
          hash?.update(chunk);
          yield chunk;
        }
        if (at < target.size && resumes >= maxResumes) throw mismatch(target, `only ${at} bytes`);
      } catch (error) {
        if (error instanceof Fault || signal?.aborted || resumes >= maxResumes) throw error;
      }
    }
    if (!hash) return;
    const received = digestFromHash(hash, algorithmOf(target.digest));
    if (received !== target.digest) throw mismatch(target, received);
  }

  async exists(target: Descriptor, signal?: AbortSignal): Promise<boolean> {
    const response = await this.#call("HEAD", pathOf(target), { headers: { accept }, ...optional(signal) });
    response.resume();
    if (response.statusCode === 200) return true;
    if (response.statusCode === 404) return false;
    throw await failureOf(response, `look for ${target.digest}`);
  }

  /** Uploads a blob unless it is there, in one piece. `read` may be called again after a failure. */
  async pushBlob(
    target: Descriptor,
    read: () => AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<"pushed" | "existed"> {
    if (await this.exists(target, signal)) return "existed";
    const what = `push blob ${target.digest}`;
    const started = await this.#call("POST", "/blobs/uploads/", { push: true, ...optional(signal) });
    if (started.statusCode !== 202 || !started.headers.location) throw await failureOf(started, what);
    started.resume();
    const url = new URL(started.headers.location, this.#base);
    url.searchParams.set("digest", target.digest);
    const done = await this.#call("PUT", url, {
      push: true,
      headers: { "content-type": "application/octet-stream", "content-length": String(target.size) },
      body: read,
      ...optional(signal),
    });
    if (done.statusCode !== 201) throw await failureOf(done, what);
    done.resume();
    return "pushed";
  }

  /** Stores a manifest or index under a tag or its digest. */
  async pushManifest(
    target: Descriptor,
    body: Uint8Array,
    tagOrDigest: string = target.digest,
    signal?: AbortSignal,
  ): Promise<void> {
    const response = await this.#call("PUT", `/manifests/${tagOrDigest}`, {
      push: true,
      headers: { "content-type": target.mediaType, "content-length": String(body.length) },
      body,
      ...optional(signal),
    });
    if (response.statusCode !== 201) throw await failureOf(response, `push manifest ${tagOrDigest}`);
    response.resume();
  }

  async #open(target: Descriptor, offset: number, signal?: AbortSignal): Promise<IncomingMessage> {
    const range = offset > 0 ? { range: `bytes=${offset}-` } : {};
    const response = await this.#call("GET", pathOf(target), {
      headers: { accept, ...range },
      ...optional(signal),
    });
    if (response.statusCode === (offset > 0 ? 206 : 200)) return response;
    if (response.statusCode === 200) {
      response.destroy();
      throw new Fault("unimplemented", `The registry cannot resume ${target.digest}`);
    }
    throw await failureOf(response, `fetch ${target.digest}`);
  }

  async #call(method: string, path: string | URL, options: CallOptions): Promise<IncomingMessage> {
    const url = path instanceof URL ? path : new URL(this.#base + path);
    const scope = `repository:${this.#name}:${options.push ? "pull,push" : "pull"}`;
    const attempt = (): Promise<IncomingMessage> =>
      withRetries(async () => {
        const authorization = this.#authorizer.headerFor(scope);
        const headers = { ...options.headers, ...(authorization ? { authorization } : {}) };
        const { body, signal } = options;
        return await send({ method, url, headers, ...(body ? { body } : {}), ...optional(signal) });
      }, options.signal);
    const response = await attempt();
    const challenge = response.headers["www-authenticate"];
    if (response.statusCode !== 401 || challenge === undefined) return response;
    response.resume();
    await this.#authorizer.answer(challenge, scope, options.signal);
    return await attempt();
  }
}

interface CallOptions {
  readonly push?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | (() => AsyncIterable<Uint8Array>);
  readonly signal?: AbortSignal;
}

function optional(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}

function pathOf({ mediaType, digest }: Descriptor): string {
  return isIndex(mediaType) || isManifest(mediaType) ? `/manifests/${digest}` : `/blobs/${digest}`;
}

function mismatch({ digest }: { readonly digest: Digest }, received: string): Fault {
  return new Fault("data_loss", `Cannot verify blob ${digest}: received ${received}`);
}

function isLoopback(server: string): boolean {
  const host = server.replace(/:\d+$/, "");
  return host === "localhost" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
