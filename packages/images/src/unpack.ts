import { randomBytes } from "node:crypto";
import { fitsLabel, type Labels } from "@slipway/core/labels";
import { cleanup } from "@slipway/fault/cleanup";
import { Fault, hasCode } from "@slipway/fault/fault";
import { chainIds } from "@slipway/oci/chain-id";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Digest } from "@slipway/oci/digest";
import { discardedBlobLabel } from "./discarded-layers.ts";
import type { KeyedLock } from "./keyed-lock.ts";
import { explainFailure } from "./verified-blob.ts";
import type { Workspace } from "./workspace.ts";

export interface UnpackOptions {
  readonly snapshotter: string;
  /** Shared by all that unpack: one does what many ask for. */
  readonly locks?: KeyedLock;
  /** Resolves when the layer's blob is in the store. Those above it may be fetched as well. */
  readonly fetched?: (index: number) => Promise<void>;
  /**
   * The same for a layer that was there, alone: an image is complete with all of its blobs, also when another one brought the
   * same files in another compression. It is not called for blobs that are not kept.
   */
  readonly fetchedToKeep?: (layer: Descriptor) => Promise<void>;
  /** The layers' blobs are not going to be kept: what was unpacked must be on the disk before they go. */
  readonly discardsBlobs?: boolean;
  readonly onLayer?: (layer: Descriptor, state: "unpacking" | "unpacked") => void;
  readonly signal?: AbortSignal;
}

/**
 * Makes snapshots of an image's layers, lowest first, each once it is there: containerd's core/unpack.
 * @returns the chain id that containers are prepared from
 * @throws {Fault} `failed_precondition` when a layer is not what the config says
 */
export async function unpack(
  workspace: Workspace,
  layers: readonly Descriptor[],
  diffIds: readonly Digest[],
  options: UnpackOptions,
): Promise<string> {
  if (layers.length !== diffIds.length) {
    throw new Fault(
      "failed_precondition",
      `number of layers and diffIDs don't match: ${layers.length} != ${diffIds.length}`,
    );
  }
  const chain = chainIds(diffIds);
  const keeping: Promise<void>[] = [];
  for (const [index, layer] of layers.entries()) {
    const [diffId, chainId] = [diffIds[index], chain[index]];
    if (diffId === undefined || chainId === undefined) break;
    options.signal?.throwIfAborted();
    const step = { layer, diffId, chainId, parent: chain[index - 1] ?? "", index };
    const work = (): Promise<"unpacked" | "existed"> => unpackLayer(workspace, step, options);
    const key = `unpack ${options.snapshotter} ${chainId}`;
    const result = await (options.locks ? options.locks.run(key, work) : work());
    const unpacked = (): void => options.onLayer?.(layer, "unpacked");
    if (result === "existed" && options.fetchedToKeep) {
      const kept = options.fetchedToKeep(layer).then(unpacked);
      // Awaited below, when the layers above it are under way.
      kept.catch(() => {});
      keeping.push(kept);
    } else unpacked();
  }
  await Promise.all(keeping);
  return chain.at(-1) ?? "";
}

interface Step {
  readonly layer: Descriptor;
  readonly diffId: Digest;
  readonly chainId: Digest;
  readonly parent: string;
  readonly index: number;
}

/** @returns "existed" for a layer that was unpacked from a blob, which need not be here */
async function unpackLayer(
  workspace: Workspace,
  step: Step,
  options: UnpackOptions,
): Promise<"unpacked" | "existed"> {
  const { layer, diffId, chainId, parent, index } = step;
  const snapshots = workspace.snapshotter(options.snapshotter);
  const key = `extract-${randomBytes(8).toString("hex")} ${chainId}`;
  // Snapshotters take the ref as "this is what it will be": those that have the layer elsewhere answer already_exists.
  const mark = options.discardsBlobs ? discardedBlobLabel : {};
  const labels = {
    ...inheritedLabels(layer),
    ...mark,
    "containerd.io/snapshot.ref": chainId,
    "containerd.io/snapshot/diff-id": diffId,
    ...(parent === "" ? {} : { "containerd.io/snapshot/parent-chain-id": parent }),
  };
  let mounts;
  try {
    mounts = await snapshots.prepare(key, parent, { labels });
  } catch (error) {
    if (!hasCode(error, "already_exists")) throw error;
    const { labels } = await snapshots.stat(chainId);
    return options.discardsBlobs || isRemote(labels) ? "unpacked" : "existed";
  }
  try {
    await options.fetched?.(index);
    options.onLayer?.(layer, "unpacking");
    const applied = await workspace.differ.apply(layer, mounts, {
      ...(options.discardsBlobs ? { syncFs: true } : {}),
      ...(options.signal ? { signal: options.signal } : {}),
    });
    if (applied.digest !== diffId) {
      throw new Fault(
        "failed_precondition",
        `wrong diff id calculated on extraction "${applied.digest}", expected "${diffId}"`,
      );
    }
    await snapshots.commit(chainId, key, { labels });
  } catch (error) {
    await cleanup(() => snapshots.remove(key)).catch(() => {});
    // Another client may have unpacked the same layer meanwhile.
    if (!hasCode(error, "already_exists")) throw await explainFailure(workspace.content, layer.digest, error);
  }
  await workspace.content.update(layer.digest, { "containerd.io/uncompressed": diffId }, [
    "labels.containerd.io/uncompressed",
  ]);
  return "unpacked";
}

/** Whether the snapshotter brings the layer's files by itself, as they are read: its blob must not be fetched. */
function isRemote(labels: Labels): boolean {
  // Of stargz-snapshotter's snapshot package, and of those that are made after it.
  return "containerd.io/snapshot/remote" in labels;
}

/** Who owns the files of a snapshot is no business of the image's. */
const ownershipLabels = new Set(["containerd.io/snapshot/uidmapping", "containerd.io/snapshot/gidmapping"]);

/** What an image tells the snapshotter of a layer, as far as it fits. Upstream: snapshots.FilterInheritedLabels. */
function inheritedLabels({ annotations = {} }: Descriptor): Labels {
  return Object.fromEntries(
    Object.entries(annotations).filter(
      ([key, value]) =>
        key.startsWith("containerd.io/snapshot/") && !ownershipLabels.has(key) && fitsLabel(key, value),
    ),
  );
}
