import {
  Content,
  type Info as InfoMessage,
  type Status as StatusMessage,
} from "@slipway/api/containerd/services/content/v1/content_pb";
import type {
  ContentInfo,
  ContentStore,
  ContentWriter,
  IngestStatus,
  ReadOptions,
  WriterOptions,
} from "@slipway/core/content";
import type { Labels } from "@slipway/core/labels";
import { type Digest, parseDigest } from "@slipway/oci/digest";
import type { Calls } from "../connect/calls.ts";
import { maskOf, required, toDate } from "../connect/messages.ts";
import { RemoteWriter } from "./writer.ts";

/** The daemon's blobs, as one namespace sees them. */
export class RemoteContentStore implements ContentStore {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async *read(digest: Digest, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const request = { digest, offset: BigInt(options.offset ?? 0), size: BigInt(options.length ?? 0) };
    if (options.length === 0) return;
    for await (const { data } of this.#calls.serverStream(Content.method.read, request, options.signal)) {
      yield data;
    }
  }

  async info(digest: Digest): Promise<ContentInfo> {
    return fromInfo(required((await this.#calls.unary(Content.method.info, { digest })).info, "info"));
  }

  async writer(ref: string, options: WriterOptions = {}): Promise<ContentWriter> {
    return await RemoteWriter.open(this.#calls, ref, options);
  }

  async status(ref: string): Promise<IngestStatus> {
    return fromStatus(required((await this.#calls.unary(Content.method.status, { ref })).status, "status"));
  }

  async listStatuses(filters: readonly string[] = []): Promise<IngestStatus[]> {
    const { statuses } = await this.#calls.unary(Content.method.listStatuses, { filters: [...filters] });
    return statuses.map(fromStatus);
  }

  async abort(ref: string): Promise<void> {
    await this.#calls.unary(Content.method.abort, { ref });
  }

  async update(digest: Digest, labels: Labels, fieldPaths?: readonly string[]): Promise<ContentInfo> {
    const request = { info: { digest, labels: { ...labels } }, ...maskOf(fieldPaths) };
    return fromInfo(required((await this.#calls.unary(Content.method.update, request)).info, "info"));
  }

  async *walk(filters: readonly string[] = []): AsyncGenerator<ContentInfo> {
    const request = { filters: [...filters] };
    for await (const { info } of this.#calls.serverStream(Content.method.list, request)) {
      yield* info.map(fromInfo);
    }
  }

  /** All that `walk` gives, at once. */
  async list(filters: readonly string[] = []): Promise<ContentInfo[]> {
    return await Array.fromAsync(this.walk(filters));
  }

  async delete(digest: Digest): Promise<void> {
    await this.#calls.unary(Content.method.delete, { digest });
  }
}

function fromInfo(info: InfoMessage): ContentInfo {
  return {
    digest: parseDigest(info.digest),
    sizeBytes: Number(info.size),
    createdAt: toDate(info.createdAt),
    updatedAt: toDate(info.updatedAt),
    labels: info.labels,
  };
}

function fromStatus(status: StatusMessage): IngestStatus {
  return {
    ref: status.ref,
    offset: Number(status.offset),
    total: Number(status.total),
    startedAt: toDate(status.startedAt),
    updatedAt: toDate(status.updatedAt),
    ...(status.expected === "" ? {} : { expected: parseDigest(status.expected) }),
  };
}
