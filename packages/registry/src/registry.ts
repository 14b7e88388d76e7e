import { Fault, hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { type Digest, digestOf, parseDigest } from "@slipway/oci/digest";
import { isIndex, isManifest, mediaTypes } from "@slipway/oci/media-types";
import type { Reference } from "@slipway/oci/reference";
import { fetchElsewhere } from "./elsewhere.ts";
import { mismatch } from "./fetch/mismatch.ts";
import { checkAnswer, type OpenRange } from "./fetch/open-range.ts";
import { type FetchOptions, fetchVerified } from "./fetch/verified.ts";
import type { Capability } from "./hosts/endpoint.ts";
import { defaultRetryDelayMs } from "./hosts/endpoints.ts";
import { drain } from "./http/drain.ts";
import type { HttpResponse } from "./http/response.ts";
import { isPassing } from "./http/retry.ts";
import { answerer } from "./http/shown-url.ts";
import { listReferrers, listTags } from "./listings.ts";
import { claimedDescriptor, describeManifest } from "./manifest.ts";
import { extendedList, referrerOf, referrersTag } from "./referrers-tag.ts";
import { type RegistryOptions, RepositoryHosts } from "./repository-hosts.ts";
import type { CallOptions, Session } from "./session.ts";
import { checkStored, claimsToHave } from "./stored.ts";
import { type ReadRange, type UploadOptions, uploadBlob } from "./upload.ts";

export type { RegistryOptions } from "./repository-hosts.ts";

/** Smaller ones are over before a connection of their own would be there. */
const bulkBytes = 1024 * 1024;

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
  readonly #hosts: RepositoryHosts;

  constructor({ host, repository }: Pick<Reference, "host" | "repository">, options: RegistryOptions = {}) {
    this.#host = host;
    this.#name = repository;
    this.#options = options;
    this.#hosts = new RepositoryHosts(host, repository, options);
  }

  /**
   * What a tag or digest points to.
   * @throws {Fault} `not_found`; `failed_precondition` for an image of schema 1, or for an answer that is no manifest;
   *   `data_loss` for another manifest than was asked for
   */
  async resolve(tagOrDigest: string, signal?: AbortSignal): Promise<Descriptor> {
    const digest = tagOrDigest.includes(":") ? parseDigest(tagOrDigest) : undefined;
    const needs: Capability[] = digest ? ["pull"] : ["pull", "resolve"];
    const name = `${this.#host}/${this.#name}${digest ? "@" : ":"}${tagOrDigest}`;
    const asked = { name, ...(digest ? { digest } : {}) };
    const options = { what: `resolve "${name}"`, headers: { accept }, ...optional(signal) };
    return await this.#manifest(tagOrDigest, digest, needs, name, async (session, path) => {
      const head = await session.call("HEAD", path, options);
      drain(head);
      if (head.statusCode === 404) throw new Fault("not_found", `${name}: not found`);
      const claimed = claimedDescriptor(head, asked);
      if (claimed) return claimed;
      // Some registries answer HEAD with less, or not at all; and a failure is explained in a body only.
      const retries = !isPassing(head.statusCode ?? 0);
      const response = await session.call("GET", path, { ...options, retries });
      if (response.statusCode !== 200) throw await session.failure(response, options.what);
      return await describeManifest(response, asked);
    });
  }

  /**
   * The bytes of a blob or manifest from `offset` on, over several connections where one is slower than the reader. A
   * broken one is resumed where it broke. Read from the start, the bytes are checked: the iteration ends with `data_loss`
   * when they are not what the descriptor says.
   */
  fetch(target: Descriptor, options: FetchOptions = {}): AsyncGenerator<Uint8Array> {
    const what = `fetch ${target.digest}`;
    let from: string | undefined;
    const open: OpenRange = async (offset, { end, retries = true, signal = options.signal } = {}) => {
      const isWhole = offset === 0 && end === undefined;
      const range = isWhole ? {} : { range: `bytes=${offset}-${end === undefined ? "" : end - 1}` };
      const headers = { accept: isBlob(target) ? "*/*" : accept, ...range };
      const isBulk = target.size >= bulkBytes;
      const response = await this.#open(target, { what, headers, retries, isBulk, ...optional(signal) });
      from = answerer(response);
      options.onAnswer?.(from);
      return response;
    };
    const { limits = [], retryDelayMs = defaultRetryDelayMs } = this.#options;
    const mismatched = (received: string): Fault => mismatch(target.digest, received, from);
    return fetchVerified(target, open, { limits, retryDelayMs, mismatched }, options);
  }

  /** @throws {Fault} the registry's failure */
  async #open(target: Descriptor, call: CallOptions): Promise<HttpResponse> {
    const elsewhere = await fetchElsewhere(target, call, this.#options);
    if (elsewhere) return elsewhere;
    const { digest } = target;
    const ask = async (session: Session, path: string): Promise<HttpResponse> => {
      const response = await session.call("GET", path, call);
      const isFound = response.statusCode === 200 || response.statusCode === 206;
      if (!isFound) throw await session.failure(response, call.what);
      // Another host may have what this one answers wrongly.
      checkAnswer(response, target);
      return response;
    };
    if (!isBlob(target)) return await this.#manifest(digest, digest, ["pull"], digest, ask);
    return await this.#hosts.anyOf(["pull"], digest, (session) => ask(session, pathOf(target)));
  }

  /**
   * Asks for a manifest. One that is asked for by its digest may be among a registry's blobs alone: containerd looks there as
   * well when nobody has it as a manifest.
   */
  async #manifest<T>(
    tagOrDigest: string,
    digest: Digest | undefined,
    needs: readonly Capability[],
    name: string,
    ask: (session: Session, path: string) => Promise<T>,
  ): Promise<T> {
    try {
      return await this.#hosts.anyOf(needs, name, (session) => ask(session, `/manifests/${tagOrDigest}`));
    } catch (error) {
      if (digest === undefined || !hasCode(error, "not_found")) throw error;
      try {
        return await this.#hosts.anyOf(needs, name, (session) => ask(session, `/blobs/${digest}`));
      } catch (later) {
        // Something is there, and is no manifest or too large: that says more.
        throw hasCode(later, "failed_precondition", "data_loss", "resource_exhausted") ? later : error;
      }
    }
  }

  async exists(target: Descriptor, signal?: AbortSignal): Promise<boolean> {
    return await this.#exists(await this.#hosts.toPush(), target, signal);
  }

  /** Uploads a blob unless it is there. */
  async pushBlob(
    target: Descriptor,
    read: ReadRange,
    options: UploadOptions = {},
  ): Promise<"pushed" | "existed" | "mounted"> {
    const session = await this.#hosts.toPush();
    if (await this.#exists(session, target, options.signal)) return "existed";
    return await uploadBlob(session, target, read, options);
  }

  /**
   * Stores a manifest or index under a tag or its digest. What it refers to learns of it: by the registry, or by the tag for
   * that where the registry does not say that it has done so.
   */
  async pushManifest(
    target: Descriptor,
    body: Uint8Array,
    tagOrDigest: string = target.digest,
    signal?: AbortSignal,
  ): Promise<void> {
    const what = `push manifest ${tagOrDigest}`;
    const headers = { "content-type": target.mediaType, "content-length": String(body.length) };
    const session = await this.#hosts.toPush();
    const options: CallOptions = { what, push: true, headers, body, ...optional(signal) };
    const response = await session.call("PUT", `/manifests/${tagOrDigest}`, options);
    await checkStored(session, response, what, target.digest);
    const referrer = response.headers["oci-subject"] === undefined ? referrerOf(target, body) : undefined;
    const list = referrer && (await extendedList(session, referrer, signal));
    if (!referrer || !list) return;
    const index = { mediaType: mediaTypes.ociIndex, digest: digestOf(list), size: list.length };
    await this.pushManifest(index, list, referrersTag(referrer.subject.digest), signal);
  }

  /** The repository's tags, page by page as the registry gives them. */
  tags(signal?: AbortSignal): AsyncGenerator<string> {
    return listTags(this.#hosts, this.#name, signal);
  }

  /** What refers to a manifest: signatures, attestations, SBOMs. Registries without that API keep a tag for it. */
  async referrers(subject: Digest, artifactType?: string, signal?: AbortSignal): Promise<Descriptor[]> {
    return await listReferrers(this.#hosts, subject, artifactType, signal);
  }

  async #exists(session: Session, target: Descriptor, signal?: AbortSignal): Promise<boolean> {
    const what = `look for ${target.digest}`;
    const options = { what, push: true, headers: { accept }, ...optional(signal) };
    const response = await session.call("HEAD", pathOf(target), options);
    drain(response);
    if (response.statusCode === 404) return false;
    if (response.statusCode !== 200) throw await session.failure(response, what);
    return claimsToHave(response, target);
  }
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
