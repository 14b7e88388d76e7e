import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import type { ContentStore } from "@slipway/core/content";
import type { CompareOptions } from "@slipway/core/diff";
import type { Mount } from "@slipway/core/mounts/mount";
import { during, Fault, hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { tarRange } from "@slipway/layers/erofs/verify";
import { type PackedDiff, packTar } from "@slipway/layers/pack-diff";
import { type Compression, mediaTypes } from "@slipway/oci/media-types";
import type { DifferParts } from "./apply.ts";
import { layerImageBetween } from "./layer-image-between.ts";
import { openTrees } from "./trees.ts";

const compressions: Readonly<Record<string, Compression>> = {
  [mediaTypes.ociLayer]: "none",
  [mediaTypes.ociLayerGzip]: "gzip",
  [mediaTypes.ociLayerZstd]: "zstd",
};

/** Stores what differs between two sets of mounts as a layer. Defined by containerd's plugins/diff/walking/differ.go. */
export async function compareMounts(
  content: ContentStore,
  lower: readonly Mount[],
  upper: readonly Mount[],
  options: CompareOptions,
  { threads, stateDir }: DifferParts,
): Promise<Descriptor> {
  const { mediaType = mediaTypes.ociLayerGzip, sourceDateEpoch, signal } = options;
  const compression = compressions[mediaType];
  if (!compression) {
    throw new Fault("unimplemented", `unsupported diff media type: ${mediaType}: not implemented`);
  }
  const latest = sourceDateEpoch ? { latestNs: BigInt(sourceDateEpoch.getTime()) * 1_000_000n } : {};
  const image = sourceDateEpoch ? undefined : await layerImageBetween(lower, upper);
  try {
    if (image !== undefined) {
      const tar = tarOf(image, signal);
      return await takeIn(content, mediaType, options, (write) => packTar(tar, compression, write));
    }
    await using trees = await openTrees(lower, upper, stateDir);
    const difference = { lower: trees.lower, upper: trees.upper, isOverlay: trees.isOverlay, ...latest };
    return await takeIn(content, mediaType, options, (write) =>
      threads.diff(difference, compression, write, signal),
    );
  } catch (error) {
    throw during("make layer", error);
  }
}

const readBytes = 1 << 20;

function tarOf(image: string, signal: AbortSignal | undefined): AsyncIterable<Uint8Array> {
  const { start, end } = tarRange(image);
  if (start === end) return Readable.from([]);
  const abort = signal ? { signal } : {};
  return createReadStream(image, { start, end: end - 1, highWaterMark: readBytes, ...abort });
}

const uncompressedLabel = "containerd.io/uncompressed";

/** Takes in the blob that `pack` writes. A failure leaves no ingest whose name was made up. */
async function takeIn(
  content: ContentStore,
  mediaType: string,
  { reference, labels }: CompareOptions,
  pack: (write: (bytes: Uint8Array) => Promise<void>) => Promise<PackedDiff>,
): Promise<Descriptor> {
  const ref = reference ?? `${Date.now()}000000-${randomBytes(3).toString("base64url")}`;
  await using undo = new AsyncDisposableStack();
  if (reference === undefined) undo.defer(async () => await abort(content, ref));
  const writer = undo.use(await content.writer(ref));
  if (reference !== undefined) await writer.truncate(0);
  const { diffId, digest, sizeBytes } = await pack((bytes) => writer.write(bytes));
  const uncompressed = digest === diffId ? {} : { [uncompressedLabel]: diffId };
  try {
    await writer.commit({ expected: digest, total: sizeBytes, labels: { ...labels, ...uncompressed } });
  } catch (error) {
    if (!hasCode(error, "already_exists")) throw error;
    // Somebody else's blob may not say yet what is in it.
    const known = await content.info(digest);
    if (known.labels[uncompressedLabel] === undefined && digest !== diffId) {
      await content.update(digest, uncompressed, [`labels.${uncompressedLabel}`]);
    }
  }
  return { mediaType, digest, size: sizeBytes };
}

// Once it is committed there is nothing to abort.
async function abort(content: ContentStore, ref: string): Promise<void> {
  try {
    await content.abort(ref);
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
  }
}
