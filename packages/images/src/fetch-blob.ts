import type { ContentStore, ContentWriter } from "@slipway/core/content";
import { giveBack } from "@slipway/core/content/give-back";
import type { Labels } from "@slipway/core/labels";
import { cleanup } from "@slipway/fault/cleanup";
import { Fault, hasCode, messageOf } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Digest } from "@slipway/oci/digest";
import { isConfig, isIndex, isLayer, isManifest } from "@slipway/oci/media-types";
import { setTimeout as delay } from "node:timers/promises";

/** Gives the bytes of a blob from an offset on, as a registry or another store does. The pieces are the caller's. */
export interface BlobSource {
  fetch(
    target: Descriptor,
    options: {
      readonly offset?: number;
      readonly signal?: AbortSignal;
      /** The caller looks whether the bytes are what the descriptor says: nobody else need. */
      readonly isVerifiedByReader?: boolean;
      /** Called with who gives the bytes, in words that begin a sentence. */
      readonly onAnswer?: (from: string) => void;
    },
  ): AsyncIterable<Uint8Array>;
}

export interface BlobPurpose {
  /** A layer that nobody is going to unpack: it need not be unpacked while it comes. */
  readonly isUnpacked?: boolean;
}

export interface FetchOptions extends BlobPurpose {
  /** Set on the blob. */
  readonly labels?: (before: Labels) => Labels;
  /** Called with the bytes that are there, as they become more. */
  readonly onBytes?: (offset: number) => void;
  readonly signal?: AbortSignal;
}

const firstDelayMs = 50;
const maxDelayMs = 2000;

/**
 * Brings a blob into the content store unless it is there. What an earlier try left is continued; what turns out to be
 * wrong is thrown away, so that the next try begins anew.
 */
export async function fetchBlob(
  content: ContentStore,
  source: BlobSource,
  target: Descriptor,
  { labels = () => ({}), onBytes, isUnpacked = false, signal }: FetchOptions = {},
): Promise<"fetched" | "existed"> {
  try {
    await using writer = await openWriter(content, target, isUnpacked, signal);
    let { offset } = writer.status();
    if (offset > target.size) await writer.truncate((offset = 0));
    onBytes?.(offset);
    // All of the ingest is hashed where it is stored, with what was there before, and compared before it becomes a blob.
    let from: string | undefined;
    const onAnswer = (answerer: string): unknown => (from = answerer);
    const options = { offset, isVerifiedByReader: true, onAnswer, ...(signal ? { signal } : {}) };
    if (offset < target.size) {
      for await (const chunk of source.fetch(target, options)) {
        offset += chunk.length;
        await writer.write(chunk);
        giveBack(chunk);
        onBytes?.(offset);
      }
    }
    await commit(writer, target, labels({}), from);
    return "fetched";
  } catch (error) {
    if (hasCode(error, "data_loss")) {
      await cleanup(() => content.abort(refOf(target))).catch(() => {});
    }
    if (!hasCode(error, "already_exists")) throw error;
    await addLabels(content, target.digest, labels);
    return "existed";
  }
}

/** @throws {Fault} `data_loss` when the bytes are not the target's, `already_exists` */
async function commit(
  writer: ContentWriter,
  { size, digest }: Descriptor,
  labels: Labels,
  from: string | undefined,
): Promise<void> {
  try {
    await writer.commit({ total: size, expected: digest, labels });
  } catch (error) {
    if (!hasCode(error, "failed_precondition")) throw error;
    const who = from === undefined ? "" : `${from} answered with other bytes: `;
    const why = `Cannot verify blob ${digest}: ${who}${messageOf(error)}`;
    throw new Fault("data_loss", why, { cause: error });
  }
}

/** Adds labels to a blob that is there. */
export async function addLabels(
  content: Pick<ContentStore, "info" | "update">,
  digest: Digest,
  labels: (before: Labels) => Labels,
): Promise<void> {
  const { labels: before } = await content.info(digest);
  const missing = Object.entries(labels(before)).filter(([key, value]) => before[key] !== value);
  if (missing.length === 0) return;
  await content.update(
    digest,
    Object.fromEntries(missing),
    missing.map(([key]) => `labels.${key}`),
  );
}

/** Another client may be fetching the same blob: then it is waited for, as containerd's content.OpenWriter does. */
async function openWriter(
  content: ContentStore,
  target: Descriptor,
  isUnpacked: boolean,
  signal: AbortSignal | undefined,
): Promise<ContentWriter> {
  const ref = refOf(target);
  for (let waitMs = firstDelayMs; ; waitMs = Math.min(waitMs * 2, maxDelayMs)) {
    try {
      return await content.writer(ref, { total: target.size, expected: target.digest, isUnpacked });
    } catch (error) {
      const isTaken = error instanceof Fault && error.code === "unavailable" && /locked/.test(error.message);
      if (!isTaken) throw error;
    }
    await delay(waitMs, undefined, signal ? { signal } : {});
  }
}

/** The names of ingests as containerd's core/remotes/handlers.go makes them: clients share what they fetch. */
export function refOf({ mediaType, digest }: Descriptor): string {
  if (isManifest(mediaType)) return `manifest-${digest}`;
  if (isIndex(mediaType)) return `index-${digest}`;
  if (isLayer(mediaType)) return `layer-${digest}`;
  return isConfig(mediaType) ? `config-${digest}` : `unknown-${digest}`;
}
