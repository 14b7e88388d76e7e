import { createHash } from "node:crypto";
import type { ContentProvider } from "@slipway/core/content";
import type { Damage } from "@slipway/core/integrity";
import type { Snapshotter } from "@slipway/core/snapshots";
import { Fault, hasCode, messageOf } from "@slipway/fault/fault";
import { chainIds } from "@slipway/oci/chain-id";
import type { Descriptor } from "@slipway/oci/descriptor";
import { type Digest, digestFromHash } from "@slipway/oci/digest";
import { isConfig, isIndex, isManifest } from "@slipway/oci/media-types";
import { readIndex, readManifest, readUnpackConfig } from "./read.ts";

/** Says whether a layer is what it was: see Snapshotter. */
export type LayerVerifier = Required<Pick<Snapshotter, "verify">>;

export interface CheckImageOptions {
  readonly content: ContentProvider;
  /** Those that layers may be in, by name. */
  readonly snapshotters?: ReadonlyMap<string, LayerVerifier>;
  /** How fast to read at most. */
  readonly bytesPerSecond?: number;
  /** Waits as long as so many bytes of blobs should take. */
  readonly pace?: (bytes: number) => Promise<void>;
  readonly signal?: AbortSignal;
}

const deepestIndex = 8;

/** Checks images one after the other; what they share is read once. What is not here is not damaged. */
export class ImageCheck {
  readonly #options: CheckImageOptions;
  readonly #blobs = new Map<Digest, Promise<Damage | "missing" | "whole">>();
  readonly #layers = new Map<string, Promise<Damage | undefined>>();

  constructor(options: CheckImageOptions) {
    this.#options = options;
  }

  /** What is damaged of all that a target leads to. */
  async damages(target: Descriptor): Promise<Damage[]> {
    return await this.#visit(target, 0);
  }

  async #visit(target: Descriptor, depth: number): Promise<Damage[]> {
    const state = await this.#blob(target.digest);
    if (state === "missing") return [];
    if (state !== "whole") return [state];
    const { content } = this.#options;
    if (isIndex(target.mediaType) && depth < deepestIndex) {
      const { manifests } = await readIndex(content, target);
      return await this.#visitAll(manifests, depth + 1);
    }
    if (!isManifest(target.mediaType)) return [];
    const { config, layers } = await readManifest(content, target);
    const damages = await this.#visitAll([config, ...layers], depth + 1);
    const isReadable = isConfig(config.mediaType) && (await this.#blob(config.digest)) === "whole";
    return isReadable ? [...damages, ...(await this.#unpacked(config.digest))] : damages;
  }

  async #visitAll(targets: readonly Descriptor[], depth: number): Promise<Damage[]> {
    const damages: Damage[] = [];
    for (const target of targets) damages.push(...(await this.#visit(target, depth)));
    return damages;
  }

  async #unpacked(config: Digest): Promise<Damage[]> {
    const { rootfs } = await readUnpackConfig(this.#options.content, { digest: config });
    const diffIds = rootfs.diff_ids;
    const damages: Damage[] = [];
    for (const [snapshotter, verifier] of this.#options.snapshotters ?? []) {
      for (const [index, name] of chainIds(diffIds).entries()) {
        const diffId = diffIds[index];
        const damage = diffId && (await this.#layer(snapshotter, verifier, name, diffId));
        if (damage) damages.push(damage);
      }
    }
    return damages;
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
    const hash = createHash("sha256");
    try {
      for await (const chunk of content.read(digest, signal ? { signal } : {})) {
        hash.update(chunk);
        await pace?.(chunk.length);
      }
    } catch (error) {
      // Blobs of other platforms, of layers that were there unpacked, and what was removed meanwhile.
      if (hasCode(error, "not_found")) return "missing";
      if (hasCode(error, "data_loss")) return damage(messageOf(error));
      throw error;
    }
    const found = digestFromHash(hash);
    return found === digest ? "whole" : damage(`its bytes have the digest ${found}`);
  }

  async #layer(
    snapshotter: string,
    verifier: LayerVerifier,
    name: Digest,
    diffId: Digest,
  ): Promise<Damage | undefined> {
    const key = `${snapshotter} ${name}`;
    const known = this.#layers.get(key);
    if (known) return await known;
    const read = this.#readLayer(verifier, name, diffId).then((reason) =>
      reason === undefined ? undefined : { kind: "layer" as const, digest: diffId, snapshotter, reason },
    );
    this.#layers.set(key, read);
    return await read;
  }

  /** @returns what is wrong */
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
      if (hasCode(error, "not_found")) return undefined;
      if (hasCode(error, "data_loss")) return messageOf(error);
      throw error instanceof Fault ? error : new Fault("unknown", messageOf(error), { cause: error });
    }
  }
}
