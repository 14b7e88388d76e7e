import type { HttpResponse } from "./http/response.ts";
import { Fault, hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { backoff } from "./http/retry.ts";
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
  for (let fruitless = 0; ;) {
    const before = upload.offset;
    try {
      await upload.send();
      return "pushed";
    } catch (error) {
      const isTooLarge = hasCode(error, "resource_exhausted") && upload.divide();
      if (!isTooLarge && !hasCode(error, "unavailable", "out_of_range")) throw error;
      await upload.recover();
      fruitless = upload.offset > before ? 0 : fruitless + 1;
      if (fruitless >= maxFruitlessTries) throw error;
      if (!isTooLarge) await backoff(fruitless + 1, options.signal);
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
      mounted.resume();
      if (mounted.statusCode === 201) return "mounted";
      if (mounted.statusCode === 202) return mounted;
    } catch (error) {
      // It may be private to us: then its bytes are sent.
      if (!hasCode(error, "unauthenticated", "permission_denied")) throw error;
    }
  }
  const response = await session.call("POST", "/blobs/uploads/", base);
  if (response.statusCode !== 202) throw await session.failure(response, what);
  response.resume();
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
    const least = Number(started.headers["oci-chunk-min-length"] ?? 0);
    this.#chunkBytes = Math.max(options.chunkBytes ?? Infinity, least);
  }

  /** Sends what is left. */
  async send(): Promise<void> {
    const { size } = this.#target;
    const whole = this.offset === 0 && size <= this.#chunkBytes;
    if (!whole) await this.#sendChunks(size);
    const url = new URL(this.#location);
    url.searchParams.set("digest", this.#target.digest);
    const done = await this.#call("PUT", url, whole ? size : 0, {});
    if (![200, 201, 202, 204].includes(done.statusCode ?? 0)) {
      throw await this.#session.failure(done, this.#what);
    }
    done.resume();
  }

  async #sendChunks(size: number): Promise<void> {
    while (this.offset < size) {
      const length = Math.min(this.#chunkBytes, size - this.offset);
      const range = `${this.offset}-${this.offset + length - 1}`;
      const done = await this.#call("PATCH", this.#location, length, { "content-range": range });
      if (done.statusCode !== 202) throw await this.#session.failure(done, this.#what);
      done.resume();
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

  /** Finds out how much has arrived, or begins anew when the registry has forgotten. */
  async recover(): Promise<void> {
    const { signal } = this.#options;
    const base = { what: this.#what, push: true, ...(signal ? { signal } : {}) };
    const status = await this.#session.call("GET", this.#location, base);
    status.resume();
    const last = /^(?:bytes=)?0-(\d+)$/.exec(status.headers.range ?? "")?.[1];
    if (status.statusCode === 204 && last !== undefined) {
      this.#location = this.#locationOf(status);
      this.offset = last === "0" ? 0 : Number(last) + 1;
      if (this.offset <= this.#target.size) return;
    }
    const started = await start(this.#session, this.#target, signal ? { signal } : {});
    if (started === "mounted") return;
    this.#location = this.#locationOf(started);
    this.offset = 0;
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
    const { location } = response.headers;
    if (location !== undefined && URL.canParse(location, this.#session.endpoint.base)) {
      return new URL(location, this.#session.endpoint.base);
    }
    throw new Fault("unknown", `Cannot ${this.#what}: the registry did not say where to`);
  }
}
