import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Content,
  WriteAction,
  type WriteContentRequestSchema,
  type WriteContentResponse,
} from "@slipway/api/containerd/services/content/v1/content_pb";
import type { CommitOptions, ContentWriter, IngestStatus, WriterOptions } from "@slipway/core/content";
import { Fault } from "@slipway/fault/fault";
import { type Digest, digestOf, parseDigest } from "@slipway/oci/digest";
import type { Calls } from "../connect/calls.ts";
import { toDate } from "../connect/messages.ts";
import { Queue } from "../connect/queue.ts";

type Request = MessageInitShape<typeof WriteContentRequestSchema>;

/** Large enough that a message costs little, well below the 16 MiB that a daemon accepts. */
const maxMessageBytes = 1024 * 1024;

/** One Content.Write call: each request is answered before the next one goes out. */
export class RemoteWriter implements ContentWriter {
  readonly #requests: Queue<Request>;
  readonly #answers: AsyncIterator<WriteContentResponse>;
  readonly #ref: string;
  readonly #options: WriterOptions;
  #offset = 0;
  #digest: Digest | undefined;
  #startedAt = new Date(0);
  #updatedAt = new Date(0);

  private constructor(calls: Calls, ref: string, options: WriterOptions) {
    this.#ref = ref;
    this.#options = options;
    this.#requests = new Queue<Request>();
    this.#answers = calls.stream(Content.method.write, this.#requests)[Symbol.asyncIterator]();
  }

  static async open(calls: Calls, ref: string, options: WriterOptions): Promise<RemoteWriter> {
    const writer = new RemoteWriter(calls, ref, options);
    try {
      const { expected = "", total = 0 } = options;
      const state = await writer.#send({ action: WriteAction.STAT, ref, expected, total: BigInt(total) });
      writer.#offset = Number(state.offset);
      writer.#startedAt = toDate(state.startedAt);
      writer.#updatedAt = toDate(state.updatedAt);
      return writer;
    } catch (error) {
      await writer[Symbol.asyncDispose]();
      throw error;
    }
  }

  status(): IngestStatus {
    const { total = 0, expected } = this.#options;
    return {
      ref: this.#ref,
      offset: this.#offset,
      total,
      startedAt: this.#startedAt,
      updatedAt: this.#updatedAt,
      ...(expected ? { expected } : {}),
    };
  }

  digest(): Digest | undefined {
    return this.#digest;
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += maxMessageBytes) {
      const data = bytes.subarray(at, at + maxMessageBytes) as Uint8Array<ArrayBuffer>;
      await this.#send({ action: WriteAction.WRITE, offset: BigInt(this.#offset), data });
      this.#offset += data.length;
      this.#updatedAt = new Date();
    }
  }

  /** The daemon starts again when it is sent bytes for offset 0. */
  async truncate(offset: number): Promise<void> {
    if (offset !== 0 && offset !== this.#offset) {
      throw new Fault(
        "unimplemented",
        `Cannot truncate ingest "${this.#ref}" to ${offset}: only 0 is possible`,
      );
    }
    if (offset !== this.#offset) this.#digest = digestOf("");
    this.#offset = offset;
  }

  async commit(options: CommitOptions = {}): Promise<Digest> {
    const total = options.total ?? this.#options.total ?? 0;
    const expected = options.expected ?? this.#options.expected ?? "";
    const answer = await this.#send({
      action: WriteAction.COMMIT,
      offset: BigInt(this.#offset),
      total: BigInt(total),
      expected,
      labels: { ...options.labels },
    });
    return parseDigest(answer.digest);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#requests.end();
    try {
      // When the daemon has ended the stream, and not before, another writer may have the ref.
      while (!(await this.#answers.next()).done);
    } catch {
      // Whoever used the writer was told.
    }
  }

  async #send(request: Request): Promise<WriteContentResponse> {
    this.#requests.push(request);
    const answer = await this.#answers.next();
    if (answer.done) throw new Fault("unavailable", `The daemon ended the write of ingest "${this.#ref}"`);
    // Daemons may leave it out until the commit.
    this.#digest = answer.value.digest === "" ? undefined : parseDigest(answer.value.digest);
    return answer.value;
  }
}
