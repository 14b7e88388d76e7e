import { Fault, hasCode } from "@slipway/fault/fault";
import { anyCount, integerIn } from "@slipway/fault/read-number";
import type { Descriptor } from "@slipway/oci/descriptor";
import { drain } from "./http/drain.ts";
import { locationOf, withParameter } from "./http/location.ts";
import { pageInstead, saysPage } from "./http/page.ts";
import { headerOf, type HttpResponse } from "./http/response.ts";
import { backoff } from "./http/retry.ts";
import { answerer } from "./http/shown-url.ts";
import { checkedDigest } from "./manifest.ts";
import { checkStored } from "./stored.ts";
import type { Session } from "./session.ts";

/** The blob's bytes from `offset` on, `length` of them. Called again for what must be sent again. */
export type ReadRange = (offset: number, length: number) => AsyncIterable<Uint8Array>;

export interface UploadOptions {
  /** The most bytes in one request. All go in one unless told, or unless the registry refuses that many. */
  readonly chunkBytes?: number;
  /** A repository at the same registry that has the blob. */
  readonly mountFrom?: string;
  /** Called with the bytes that were sent. */
  readonly onBytes?: (sent: number) => void;
  readonly signal?: AbortSignal;
}

const maxFruitlessTries = 5;
/** What proxies that limit a request's size let through. */
const cautiousChunkBytes = 32 * 1024 * 1024;
const octets = { "content-type": "application/octet-stream" };

/**
 * Uploads a blob: distribution-spec, "Pushing blobs". A connection that breaks is continued from what the registry says
 * that it has.
 */
export async function uploadBlob(
  session: Session,
  target: Descriptor,
  read: ReadRange,
  options: UploadOptions,
): Promise<"pushed" | "mounted"> {
  const started = await start(session, target, options);
  if (started === "mounted") return started;
  const upload = new Upload(session, target, read, options, started);
  let [furthest, fruitless] = [0, 0];
  for (;;) {
    try {
      await upload.send();
      return "pushed";
    } catch (error) {
      const isTooLarge = hasCode(error, "resource_exhausted") && upload.divide();
      if (!isTooLarge && !hasCode(error, "unavailable", "out_of_range")) throw error;
      if ((await upload.recover()) === "stored") return "pushed";
      // What was sent and is not there counts for nothing: a registry may forget it each time.
      fruitless = upload.offset > furthest ? 0 : fruitless + 1;
      furthest = Math.max(furthest, upload.offset);
      if (fruitless >= maxFruitlessTries) throw error;
      if (!isTooLarge) await backoff(fruitless + 1, session.endpoint.link.retryDelayMs, options.signal);
    }
  }
}

async function start(
  session: Session,
  { digest }: Descriptor,
  { mountFrom, signal }: UploadOptions,
): Promise<HttpResponse | "mounted"> {
  const what = `push blob ${digest}`;
  const base = { what, push: true, headers: { "content-length": "0" }, ...(signal ? { signal } : {}) };
  if (mountFrom !== undefined) {
    try {
      const scopes = [`repository:${mountFrom}:pull`];
      const query = { mount: digest, from: mountFrom };
      const mounted = await session.call("POST", "/blobs/uploads/", { ...base, query, scopes });
      drain(mounted);
      if (mounted.statusCode === 201) {
        checkedDigest(mounted, digest, what);
        return "mounted";
      }
      if (mounted.statusCode === 202) return mounted;
    } catch (error) {
      // It may be private to us: then its bytes are sent.
      if (!hasCode(error, "unauthenticated", "permission_denied")) throw error;
    }
  }
  const response = await session.call("POST", "/blobs/uploads/", base);
  // 202 is the specification's; containerd takes these as well, and what it cannot do without is the Location.
  if (![200, 202, 204].includes(response.statusCode ?? 0)) throw await session.failure(response, what);
  drain(response);
  if (saysPage(response)) throw pageInstead(response, what, "where to upload");
  return response;
}

/** One upload on its way. */
class Upload {
  offset = 0;
  readonly #session: Session;
  readonly #target: Descriptor;
  readonly #read: ReadRange;
  readonly #options: UploadOptions;
  #location: URL;
  #chunkBytes: number;

  constructor(
    session: Session,
    target: Descriptor,
    read: ReadRange,
    options: UploadOptions,
    started: HttpResponse,
  ) {
    this.#session = session;
    this.#target = target;
    this.#read = read;
    this.#options = options;
    this.#location = this.#locationOf(started);
    const least = integerIn(headerOf(started, "oci-chunk-min-length") ?? "", anyCount) ?? 0;
    this.#chunkBytes = Math.max(options.chunkBytes ?? Infinity, least);
  }

  /** Sends what is left. */
  async send(): Promise<void> {
    const { size } = this.#target;
    const whole = this.offset === 0 && size <= this.#chunkBytes;
    if (!whole) await this.#sendChunks(size);
    const url = withParameter(this.#location, "digest", this.#target.digest);
    const done = await this.#call("PUT", url, whole ? size : 0, {});
    await checkStored(this.#session, done, this.#what, this.#target.digest);
  }

  async #sendChunks(size: number): Promise<void> {
    while (this.offset < size) {
      const length = Math.min(this.#chunkBytes, size - this.offset);
      const range = `${this.offset}-${this.offset + length - 1}`;
      const done = await this.#call("PATCH", this.#location, length, { "content-range": range });
      if (done.statusCode !== 202) throw await this.#session.failure(done, this.#what);
      drain(done);
      this.#location = this.#locationOf(done);
      this.offset += length;
    }
  }

  /** Makes the next requests smaller. @returns whether they were larger */
  divide(): boolean {
    if (this.#chunkBytes <= cautiousChunkBytes) return false;
    this.#chunkBytes = cautiousChunkBytes;
    return true;
  }

  /** Finds out how much has arrived, or begins again if the registry has forgotten. */
  async recover(): Promise<"stored" | "unfinished"> {
    const { signal } = this.#options;
    const base = { what: this.#what, push: true, ...(signal ? { signal } : {}) };
    const status = await this.#session.call("GET", this.#location, base);
    drain(status);
    const last = /^(?:bytes=)?0-(\d+)$/.exec(headerOf(status, "range") ?? "")?.[1];
    if (status.statusCode === 204 && last !== undefined) {
      this.#location = this.#locationOf(status);
      this.offset = last === "0" ? 0 : Number(last) + 1;
      if (this.offset <= this.#target.size) return "unfinished";
    }
    const started = await start(this.#session, this.#target, signal ? { signal } : {});
    if (started === "mounted") return "stored";
    this.#location = this.#locationOf(started);
    this.offset = 0;
    return "unfinished";
  }

  get #what(): string {
    return `push blob ${this.#target.digest}`;
  }

  async #call(
    method: string,
    url: URL,
    length: number,
    headers: Readonly<Record<string, string>>,
  ): Promise<HttpResponse> {
    const { signal, onBytes } = this.#options;
    const { offset } = this;
    const read = this.#read;
    async function* body(): AsyncGenerator<Uint8Array> {
      let sent = offset;
      for await (const chunk of read(offset, length)) {
        yield chunk;
        sent += chunk.length;
        onBytes?.(sent);
      }
    }
    const response = await this.#session.call(method, url, {
      what: this.#what,
      push: true,
      // Where it broke is asked for first.
      retries: false,
      headers: { ...octets, ...headers, "content-length": String(length) },
      ...(length > 0 ? { body } : {}),
      ...(signal ? { signal } : {}),
    });
    if ((response.statusCode ?? 0) >= 500) throw await this.#session.failure(response, this.#what);
    return response;
  }

  #locationOf(response: HttpResponse): URL {
    const location = locationOf(response, response.exchange.answeredUrl);
    if (location instanceof URL) return location;
    const why =
      location === undefined
        ? "without a Location to send its bytes to"
        : `with the Location ${JSON.stringify(location.slice(0, 200))}, which is no address of HTTP`;
    throw new Fault("failed_precondition", `Cannot ${this.#what}: ${answerer(response)} answered ${why}`);
  }
}
