import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  WriteAction,
  type WriteContentRequest,
  type WriteContentResponseSchema,
} from "@slipway/api/containerd/services/content/v1/content_pb";
import { toTimestamp } from "@slipway/rpc/timestamp";
import type { ContentStore, ContentWriter } from "@slipway/core/content";
import { giveBack } from "@slipway/core/content/give-back";
import { Fault, hasCode } from "@slipway/fault/fault";
import { type Digest, parseDigest } from "@slipway/oci/digest";

type Response = MessageInitShape<typeof WriteContentResponseSchema>;

/**
 * One ingest over one stream: the first request opens the writer, each request is answered once, and a commit ends it.
 * A stream that ends before keeps the ingest for later. Offsets follow containerd's content server: 0 restarts the
 * ingest, any other one has to be where the ingest stands.
 */
export async function* writeContent(
  content: ContentStore,
  requests: AsyncIterable<WriteContentRequest>,
): AsyncGenerator<Response> {
  let session: Session | undefined;
  try {
    for await (const request of requests) {
      session ??= await Session.open(content, request);
      yield await session.handle(request);
      if (request.action === WriteAction.COMMIT) return;
    }
  } finally {
    await session?.writer[Symbol.asyncDispose]();
  }
}

class Session {
  readonly writer: ContentWriter;
  readonly #content: ContentStore;
  readonly #ref: string;
  /** What was last said of the blob: a commit without own words means these. */
  #total = 0;
  #expected: Digest | undefined;

  private constructor(content: ContentStore, ref: string, writer: ContentWriter) {
    this.#content = content;
    this.#ref = ref;
    this.writer = writer;
  }

  static async open(content: ContentStore, { ref, total, expected }: WriteContentRequest): Promise<Session> {
    if (ref === "") throw new Fault("invalid_argument", "first message must have a reference");
    const writer = await content.writer(ref, {
      ...(total > 0n ? { total: Number(total) } : {}),
      ...(expected === "" ? {} : { expected: parseDigest(expected) }),
    });
    return new Session(content, ref, writer);
  }

  async handle(request: WriteContentRequest): Promise<Response> {
    if (request.expected !== "") await this.#expect(parseDigest(request.expected));
    if (request.total > 0n) this.#total = Number(request.total);
    const { action } = request;
    const before = this.writer.status();
    if (action === WriteAction.STAT) {
      return {
        action,
        offset: BigInt(before.offset),
        total: BigInt(this.#total),
        digest: this.writer.digest() ?? "",
        startedAt: toTimestamp(before.startedAt),
        updatedAt: toTimestamp(before.updatedAt),
      };
    }
    const offset = await this.#write(Number(request.offset), request.data);
    // Clients that do not know the digest beforehand commit by the one that the last answer has.
    const digest =
      action === WriteAction.COMMIT ? await this.#commit(request.labels) : (this.writer.digest() ?? "");
    return { action, offset: BigInt(offset), digest };
  }

  /** @throws {Fault} `already_exists`, and gives the ingest up, when the blob is there */
  async #expect(digest: Digest): Promise<void> {
    this.#expected = digest;
    try {
      await this.#content.info(digest);
    } catch (error) {
      if (hasCode(error, "not_found")) return;
      throw error;
    }
    await this.writer[Symbol.asyncDispose]();
    await this.#content.abort(this.#ref);
    throw new Fault("already_exists", `blob with expected digest ${digest} exists`);
  }

  /** @returns where the ingest stands then */
  async #write(at: number, data: Uint8Array): Promise<number> {
    let { offset } = this.writer.status();
    if (at > 0 && at !== offset) {
      throw new Fault("out_of_range", `write @${at} must occur at current offset ${offset}`);
    }
    if (at === 0 && offset > 0) {
      await this.writer.truncate(0);
      offset = 0;
    }
    const { length } = data;
    if (length > 0) await this.writer.write(data);
    // Nobody else has it: the request was read off the wire for this call.
    giveBack(data);
    return offset + length;
  }

  async #commit(labels: Readonly<Record<string, string>>): Promise<Digest> {
    return await this.writer.commit({
      ...(this.#total > 0 ? { total: this.#total } : {}),
      ...(this.#expected ? { expected: this.#expected } : {}),
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
    });
  }
}
