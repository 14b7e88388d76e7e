import type { Image, NewImage } from "@slipway/core/images";
import type { Labels } from "@slipway/core/labels";
import { hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { ImageConfig, Index, Manifest } from "@slipway/oci/image";
import { isIndex } from "@slipway/oci/media-types";
import { hostPlatform, type Platform } from "@slipway/oci/platform";
import { formatReference, parseFamiliarReference } from "@slipway/oci/reference";
import { type RegistryOptions, Repository } from "@slipway/registry/registry";
import type { Client } from "../connect/client.ts";
import { readJson } from "../content/content.ts";
import { leased } from "../leases/leased.ts";
import { childLabels, sourceLabel } from "./child-labels.ts";
import { chooseManifest } from "./choose-manifest.ts";
import { addLabels, fetchBlob } from "./fetch-blob.ts";
import { registryOptions } from "./registry-options.ts";
import { unpack } from "./unpack.ts";

export interface PullOptions extends RegistryOptions {
  /** http or https with the registry; see defaultScheme. */
  readonly plainHttp?: boolean;
  /** This machine's unless told. */
  readonly platform?: Platform;
  /** Unpacks with this snapshotter; `overlayfs` unless told. */
  readonly snapshotter?: string;
  /** Set on the image. */
  readonly labels?: Labels;
  readonly onProgress?: (progress: PullProgress) => void;
  readonly signal?: AbortSignal;
}

/** How far a blob of the image is. A layer that is unpacked already is not fetched and goes from "waiting" to "unpacked". */
export interface PullProgress {
  readonly target: Descriptor;
  readonly state: "waiting" | "fetching" | "fetched" | "unpacking" | "unpacked";
  /** Bytes that are there. */
  readonly offset: number;
}

const concurrentLayers = 4;

/**
 * Brings an image to the daemon and unpacks it: index, manifest and config first, then layers side by side, each
 * unpacked as soon as it and those below it are there. Labels and names are containerd's, so that any client can go on
 * from there.
 *
 * @example
 * const image = await pull(client, "docker.io/library/busybox:latest");
 * @throws {Fault} `not_found`, also for an image that has nothing for the platform
 */
export async function pull(client: Client, reference: string, options: PullOptions = {}): Promise<Image> {
  const parsed = parseFamiliarReference(reference);
  const { host, repository: path, tag, digest } = parsed;
  const { onProgress, platform = hostPlatform(), snapshotter = "overlayfs" } = options;
  // When one layer fails, the others need not go on.
  const leave = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, leave.signal]) : leave.signal;
  const repository = new Repository(parsed, registryOptions(options));
  const target = await repository.resolve(digest ?? tag ?? "latest", signal);
  await using held = await leased(client);
  const { content } = held.client;
  const source = (before: Labels): Labels => sourceLabel(host, path, before);
  const report = (blob: Descriptor, state: PullProgress["state"], offset: number): void =>
    onProgress?.({ target: blob, state, offset });
  const fetch = async (blob: Descriptor): Promise<void> => {
    report(blob, "fetching", 0);
    const onBytes = (offset: number): void => report(blob, "fetching", offset);
    await fetchBlob(content, repository, blob, { labels: source, onBytes, signal });
    report(blob, "fetched", blob.size);
  };

  let at = target;
  while (isIndex(at.mediaType)) {
    await fetch(at);
    const { manifests } = await readJson<Index>(content, at.digest);
    await addLabels(content, at.digest, () => childLabels(manifests));
    at = chooseManifest(manifests, platform);
  }
  await fetch(at);
  const { config, layers } = await readJson<Manifest>(content, at.digest);
  await addLabels(content, at.digest, () => childLabels([config, ...layers]));
  await fetch(config);
  const { rootfs } = await readJson<ImageConfig>(content, config.digest);

  for (const layer of layers) report(layer, "waiting", 0);
  const fetches = new LayerFetches(layers, fetch);
  try {
    const chainId = await unpack(held.client, layers, rootfs.diff_ids, {
      snapshotter,
      fetched: (index) => fetches.from(index),
      onLayer: (layer, state) => report(layer, state, layer.size),
      signal,
    });
    await addLabels(content, config.digest, () => ({
      [`containerd.io/gc.ref.snapshot.${snapshotter}`]: chainId,
    }));
  } finally {
    leave.abort();
    await fetches.settled();
  }
  return await storeImage(client, { name: formatReference(parsed), target, labels: options.labels ?? {} });
}

/** Fetches layers a few at a time, from the first one that is wanted on. */
class LayerFetches {
  readonly #layers: readonly Descriptor[];
  readonly #fetch: (layer: Descriptor) => Promise<void>;
  readonly #done: PromiseWithResolvers<void>[];
  #next: number | undefined;
  readonly #workers: Promise<void>[] = [];
  #failed = false;

  constructor(layers: readonly Descriptor[], fetch: (layer: Descriptor) => Promise<void>) {
    this.#layers = layers;
    this.#fetch = fetch;
    this.#done = layers.map(() => Promise.withResolvers<void>());
    for (const { promise } of this.#done) promise.catch(() => {});
  }

  /** Resolves when the layer is there. The first call starts fetching, from its layer on. */
  async from(index: number): Promise<void> {
    if (this.#next === undefined) {
      this.#next = index;
      for (let count = 0; count < concurrentLayers; count += 1) this.#workers.push(this.#work());
    }
    await this.#done[index]?.promise;
  }

  async settled(): Promise<void> {
    this.#failed = true;
    await Promise.all(this.#workers);
  }

  async #work(): Promise<void> {
    while (!this.#failed && this.#next !== undefined && this.#next < this.#layers.length) {
      const index = this.#next;
      this.#next += 1;
      const [layer, done] = [this.#layers[index], this.#done[index]];
      if (!layer || !done) return;
      try {
        await this.#fetch(layer);
        done.resolve();
      } catch (error) {
        this.#failed = true;
        for (const one of this.#done) one.reject(error);
      }
    }
  }
}

/** Creates the image, or points the one of that name to the new target. */
export async function storeImage(client: Client, image: NewImage): Promise<Image> {
  for (;;) {
    try {
      return await client.images.create(image);
    } catch (error) {
      if (!hasCode(error, "already_exists")) throw error;
    }
    try {
      return await client.images.update(image);
    } catch (error) {
      // It was removed in between.
      if (!hasCode(error, "not_found")) throw error;
    }
  }
}
