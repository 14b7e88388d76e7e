import type { Image } from "@slipway/core/images";
import type { Labels } from "@slipway/core/labels";
import { Fault } from "@slipway/fault/fault";
import { type BlobProgress, fetchImage } from "@slipway/images/fetch-image";
import { discardedBlobsLabel } from "@slipway/images/discarded-layers";
import { sourceLabel } from "@slipway/images/child-labels";
import { KeyedLock } from "@slipway/images/keyed-lock";
import { storeImage } from "@slipway/images/store-image";
import { canonicalName, parseFamiliarReference } from "@slipway/oci/reference";
import { BandwidthLimit } from "@slipway/registry/bandwidth";
import { type RegistryOptions, Repository } from "@slipway/registry/registry";
import { abortable } from "../connect/abortable.ts";
import type { Client } from "../connect/client.ts";
import { leased } from "../leases/leased.ts";
import { registryOptions } from "./registry-options.ts";
import { type PlatformOptions, wantedPlatforms } from "./wanted-platforms.ts";

export interface PullOptions extends RegistryOptions, PlatformOptions {
  /** http or https with the registry; see defaultScheme. */
  readonly plainHttp?: boolean;
  /** The most that is fetched in a second. */
  readonly downloadBytesPerSecond?: number;
  /** Lets the blobs of layers go once they are unpacked. A push needs them: see docs/flows/pull.md. */
  readonly discardBlobs?: boolean;
  /** Set on the image. */
  readonly labels?: Labels;
  readonly onProgress?: (progress: PullProgress) => void;
  /** Aborted: the call rejects with the signal's reason. What was fetched goes with the pull's lease. */
  readonly signal?: AbortSignal;
}

/** How far a blob of the image is. A layer that is unpacked already goes to "unpacked" when its blob is there. */
export interface PullProgress extends Pick<BlobProgress, "target" | "offset"> {
  readonly state: Exclude<BlobProgress["state"], "existed">;
}

const concurrentLayers = 4;

/**
 * Brings an image to the daemon and unpacks it, through this process: the daemon needs nothing but containerd's stores.
 *
 * @example
 * const image = await pull(client, "docker.io/library/busybox:latest");
 * @throws {Fault} `not_found`, also for an image that has nothing for the platform
 */
export async function pull(client: Client, reference: string, options: PullOptions = {}): Promise<Image> {
  const parsed = parseFamiliarReference(reference);
  const { host, repository: path, tag, digest } = parsed;
  const { onProgress, signal, discardBlobs = false } = options;
  const { limits = [], downloadBytesPerSecond = 0 } = options;
  const own = downloadBytesPerSecond > 0 ? [new BandwidthLimit(downloadBytesPerSecond)] : [];
  const repository = new Repository(parsed, registryOptions({ ...options, limits: [...limits, ...own] }));
  const target = await abortable(signal, () => repository.resolve(digest ?? tag ?? "latest", signal));
  const wanted = wantedPlatforms(options);
  if (discardBlobs && wanted.unpacks.length === 0) {
    throw new Fault("invalid_argument", "Cannot discard the blobs of layers that are not unpacked");
  }
  await using held = await leased(client);
  const fetch = {
    ...wanted,
    discardsBlobs: discardBlobs,
    labels: (before: Labels) => sourceLabel(host, path, before),
    imageName: canonicalName(reference),
    concurrentLayers,
    locks: new KeyedLock(),
    onProgress: ({ target, state, offset }: BlobProgress) =>
      onProgress?.({ target, state: state === "existed" ? "fetched" : state, offset }),
    ...(signal ? { signal } : {}),
  };
  await abortable(signal, () => fetchImage(held.client, repository, target, fetch));
  const name = canonicalName(reference);
  const labels = { ...options.labels, ...(discardBlobs ? discardedBlobsLabel : {}) };
  return await storeImage(client.images, { name, target, labels });
}
