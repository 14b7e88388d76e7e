import type { ContentProvider } from "@slipway/core/content";
import type { Image } from "@slipway/core/images";
import type { Damage } from "@slipway/core/integrity";
import type { Snapshotter } from "@slipway/core/snapshots";
import { Fault, hasCode, messageOf } from "@slipway/fault/fault";
import { chainIds } from "@slipway/oci/chain-id";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Digest } from "@slipway/oci/digest";
import { isConfig, isIndex, isManifest } from "@slipway/oci/media-types";
import { discardedBlobsLabel, isDiscarded } from "./discarded-layers.ts";
import { readIndex, readManifest, readUnpackConfig } from "./read.ts";
import { type BlobReader, verifiedBlob } from "./verified-blob.ts";

/** Says whether a layer is what it was: see Snapshotter. */
export type LayerVerifier = Required<Pick<Snapshotter, "verify">>;

export interface CheckImageOptions {
  readonly content: ContentProvider & BlobReader;
  /** Those that layers may be in, by name. */
  readonly snapshotters?: ReadonlyMap<string, LayerVerifier>;
  /** How fast to read at most. */
  readonly bytesPerSecond?: number;
  /** Waits as long as so many bytes of blobs should take. */
  readonly pace?: (bytes: number) => Promise<void>;
  readonly signal?: AbortSignal;
}

const deepestIndex = 8;

/** Checks images one after the other; what they share is read once. Platforms of an index that are not here are not missed. */
export class ImageCheck {
  readonly #options: CheckImageOptions;
  readonly #blobs = new Map<Digest, Promise<Damage | "missing" | "whole">>();
  readonly #layers = new Map<string, Promise<Damage | "missing" | undefined>>();

  constructor(options: CheckImageOptions) {
    this.#options = options;
  }

  /** What is damaged of all that an image leads to. */
  async damages({ target, labels }: Pick<Image, "target" | "labels">): Promise<Damage[]> {
    if ((await this.#blob(target.digest)) === "missing") return [missing(target)];
    return await this.#visit(target, { depth: 0, isDiscarded: isDiscarded(labels, discardedBlobsLabel) });
  }

  async #visit(target: Descriptor, at: Visit): Promise<Damage[]> {
    try {
      return await this.#visitReadable(target, at);
    } catch (error) {
      return [unreadable(target, error)];
    }
  }

  async #visitReadable(target: Descriptor, at: Visit): Promise<Damage[]> {
    const state = await this.#blob(target.digest);
    if (state === "missing") return [];
    if (state !== "whole") return [state];
    const { content } = this.#options;
    if (isIndex(target.mediaType) && at.depth < deepestIndex) {
      const { manifests } = await readIndex(content, target);
      return await this.#visitAll(manifests, { ...at, depth: at.depth + 1 });
    }
    if (!isManifest(target.mediaType)) return [];
    const { config, layers } = await readManifest(content, target);
    const damages = await this.#visitAll([config, ...layers], at);
    if ((await this.#blob(config.digest)) === "missing") return [...damages, missing(config)];
    if (!isConfig(config.mediaType) || (await this.#blob(config.digest)) !== "whole") return damages;
    const unpacked = await this.#unpacked(config.digest);
    const missed = at.isDiscarded ? [] : await this.#missedLayers(layers, unpacked.isThere);
    return [...damages, ...missed, ...unpacked.damages];
  }

  async #visitAll(targets: readonly Descriptor[], at: Visit): Promise<Damage[]> {
    const damages: Damage[] = [];
    for (const target of targets) damages.push(...(await this.#visit(target, at)));
    return damages;
  }

  /** Of a platform that nobody asked for, manifest and config may be here without any layer. */
  async #missedLayers(layers: readonly Descriptor[], isUnpacked: boolean): Promise<Damage[]> {
    const states = await Promise.all(layers.map(({ digest }) => this.#blob(digest)));
    const missed = layers.filter((_, index) => states[index] === "missing");
    return isUnpacked || missed.length < layers.length ? missed.map(missing) : [];
  }

  /** Of the layers, and whether any of them is unpacked. */
  async #unpacked(config: Digest): Promise<{ readonly damages: Damage[]; readonly isThere: boolean }> {
    let diffIds: readonly Digest[];
    try {
      diffIds = (await readUnpackConfig(this.#options.content, { digest: config })).rootfs.diff_ids;
    } catch (error) {
      return { damages: [unreadable({ digest: config }, error)], isThere: false };
    }
    const damages: Damage[] = [];
    let isThere = false;
    for (const [snapshotter, verifier] of this.#options.snapshotters ?? []) {
      for (const [index, name] of chainIds(diffIds).entries()) {
        const diffId = diffIds[index];
        const damage = diffId && (await this.#layer(snapshotter, verifier, name, diffId));
        if (damage !== "missing") isThere = true;
        if (damage && damage !== "missing") damages.push(damage);
      }
    }
    return { damages, isThere };
  }

  async #blob(digest: Digest): Promise<Damage | "missing" | "whole"> {
    const known = this.#blobs.get(digest);
    if (known) return await known;
    const read = this.#readBlob(digest);
    this.#blobs.set(digest, read);
    return await read;
  }

  async #readBlob(digest: Digest): Promise<Damage | "missing" | "whole"> {
    const { content, pace, signal } = this.#options;
    const damage = (reason: string): Damage => ({ kind: "blob", digest, snapshotter: "", reason });
    try {
      for await (const chunk of verifiedBlob(content, digest, signal ? { signal } : {})) {
        await pace?.(chunk.length);
      }
      return "whole";
    } catch (error) {
      // Blobs of other platforms, those that were discarded, and what was removed meanwhile.
      if (hasCode(error, "not_found")) return "missing";
      // The row names the blob already.
      if (hasCode(error, "data_loss"))
        return damage(messageOf(error).replace(`blob ${digest} is damaged: `, ""));
      throw error;
    }
  }

  async #layer(
    snapshotter: string,
    verifier: LayerVerifier,
    name: Digest,
    diffId: Digest,
  ): Promise<Damage | "missing" | undefined> {
    const key = `${snapshotter} ${name}`;
    const known = this.#layers.get(key);
    if (known) return await known;
    const read = this.#readLayer(verifier, name, diffId).then((reason) =>
      reason === undefined || reason === "missing"
        ? reason
        : { kind: "layer" as const, digest: diffId, snapshotter, reason },
    );
    this.#layers.set(key, read);
    return await read;
  }

  /** @returns what is wrong, or "missing" for a layer that is not unpacked there */
  async #readLayer(verifier: LayerVerifier, name: Digest, diffId: Digest): Promise<string | undefined> {
    const { bytesPerSecond, signal } = this.#options;
    const options = {
      ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
      ...(signal ? { signal } : {}),
    };
    try {
      const found = await verifier.verify(name, options);
      return found === undefined || found === diffId ? undefined : `it is the layer ${found}`;
    } catch (error) {
      if (hasCode(error, "not_found")) return "missing";
      if (hasCode(error, "data_loss")) return messageOf(error);
      throw error instanceof Fault ? error : new Fault("unknown", messageOf(error), { cause: error });
    }
  }
}

interface Visit {
  readonly depth: number;
  /** Whether the blobs of layers were let go on purpose. */
  readonly isDiscarded: boolean;
}

/** A document that is what its digest says may be malformed all the same. */
function unreadable({ digest }: Pick<Descriptor, "digest">, error: unknown): Damage {
  if (!hasCode(error, "invalid_argument", "resource_exhausted")) throw error;
  return { kind: "blob", digest, snapshotter: "", reason: messageOf(error) };
}

function missing({ digest }: Descriptor): Damage {
  return { kind: "blob", digest, snapshotter: "", reason: "it is not here: pull the image again" };
}
