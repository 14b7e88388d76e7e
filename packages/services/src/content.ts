import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Content,
  type InfoSchema,
  type StatusSchema,
} from "@slipway/api/containerd/services/content/v1/content_pb";
import { toTimestamp } from "@slipway/rpc/timestamp";
import type { ContentInfo, ContentStore, IngestStatus } from "@slipway/core/content";
import type { MetadataStores } from "@slipway/core/stores";
import { Fault, during, messageOf } from "@slipway/fault/fault";
import { type Digest, parseDigest } from "@slipway/oci/digest";
import { serve, type ServiceRegistration } from "@slipway/rpc/service";
import { batches } from "./batches.ts";
import { writeContent } from "./content-write.ts";
import { fieldPathsOf } from "./field-paths.ts";
import { required } from "./required.ts";
import { storesOf } from "./scope.ts";

const batchSize = 100;
/** A message must fit the 16 MiB that clients accept, and small chunks cost a frame each. */
const maxChunkBytes = 1024 * 1024;

export function contentService(stores: MetadataStores): ServiceRegistration {
  return serve(Content, {
    async info({ digest }, context) {
      return { info: toInfo(await storesOf(stores, context).content.info(digestOf(digest))) };
    },
    async update({ info, updateMask }, context) {
      const { digest, labels } = required(info, "info");
      const { content } = storesOf(stores, context);
      return { info: toInfo(await content.update(digestOf(digest), labels, fieldPathsOf(updateMask))) };
    },
    async *list({ filters }, context) {
      const { content } = storesOf(stores, context);
      for await (const infos of batches(content.walk(filters), batchSize)) yield { info: infos.map(toInfo) };
    },
    async delete({ digest }, context) {
      await storesOf(stores, context).content.delete(digestOf(digest));
      return {};
    },
    async *read({ digest, offset, size }, context) {
      yield* readContent(
        storesOf(stores, context).content,
        digestOf(digest),
        Number(offset),
        Number(size),
        context,
      );
    },
    async status({ ref }, context) {
      try {
        return { status: toStatus(await storesOf(stores, context).content.status(ref)) };
      } catch (error) {
        throw during(`get status for ref "${ref}"`, error);
      }
    },
    async listStatuses({ filters }, context) {
      return { statuses: (await storesOf(stores, context).content.listStatuses(filters)).map(toStatus) };
    },
    async *write(requests, context) {
      yield* writeContent(storesOf(stores, context).content, requests);
    },
    async abort({ ref }, context) {
      await storesOf(stores, context).content.abort(ref);
      return {};
    },
  });
}

/** Offsets in answers count from where the read began, as containerd's do. */
async function* readContent(
  content: ContentStore,
  digest: Digest,
  from: number,
  size: number,
  { signal }: { readonly signal: AbortSignal },
): AsyncGenerator<{ offset: bigint; data: Uint8Array<ArrayBuffer> }> {
  const range = { offset: Math.max(from, 0), ...(size > 0 ? { length: size } : {}) };
  let sent = 0;
  for await (const chunk of content.read(digest, { ...range, signal })) {
    for (let at = 0; at < chunk.length; at += maxChunkBytes) {
      const data = chunk.subarray(at, at + maxChunkBytes) as Uint8Array<ArrayBuffer>;
      yield { offset: BigInt(sent), data };
      sent += data.length;
    }
  }
}

function digestOf(text: string): Digest {
  try {
    return parseDigest(text);
  } catch (error) {
    throw new Fault("invalid_argument", `${text}: ${messageOf(error)}`, { cause: error });
  }
}

function toInfo(info: ContentInfo): MessageInitShape<typeof InfoSchema> {
  return {
    digest: info.digest,
    size: BigInt(info.sizeBytes),
    createdAt: toTimestamp(info.createdAt),
    updatedAt: toTimestamp(info.updatedAt),
    labels: { ...info.labels },
  };
}

function toStatus(status: IngestStatus): MessageInitShape<typeof StatusSchema> {
  return {
    ref: status.ref,
    offset: BigInt(status.offset),
    total: BigInt(status.total),
    expected: status.expected ?? "",
    startedAt: toTimestamp(status.startedAt),
    updatedAt: toTimestamp(status.updatedAt),
  };
}
