import type { ImageVerifier } from "@slipway/core/image-verifiers";
import type { Logger } from "@slipway/core/plugin";
import type { Differ } from "@slipway/core/plugin-kinds";
import type { MetadataStores, Scope } from "@slipway/core/stores";
import type { ImageStoreEnd } from "@slipway/core/transfer";
import { cleanup } from "@slipway/fault/cleanup";
import { Fault, hasCode, messageOf } from "@slipway/fault/fault";
import type { UnpackTarget } from "@slipway/images/fetch-image";
import type { EventPublisher } from "@slipway/core/events";
import type { KeyedLock } from "@slipway/images/keyed-lock";
import type { Workspace } from "@slipway/images/workspace";
import type { Descriptor } from "@slipway/oci/descriptor";
import { hostPlatform } from "@slipway/oci/platform";
import type { BandwidthLimit } from "@slipway/registry/bandwidth";
import type { LayersAhead } from "../layers-ahead/layers-ahead.ts";
import type { TransferConfig } from "./config.ts";
import type { PullMeasures } from "./pull-report.ts";

/** What all transfers of the daemon work with. */
export interface TransferParts {
  readonly stores: MetadataStores;
  readonly differ: Differ;
  readonly layers: LayersAhead;
  readonly verifiers: ReadonlyMap<string, ImageVerifier>;
  readonly config: TransferConfig;
  readonly log: Logger;
  readonly limits: readonly BandwidthLimit[];
  readonly locks: KeyedLock;
  readonly events: EventPublisher;
  readonly measures: PullMeasures;
}

interface Leased extends AsyncDisposable {
  readonly workspace: Workspace;
}

const leaseLifeMs = 24 * 3600 * 1000;

/** The stores of a scope, held by its lease, or by one of our own until the work is done. */
export async function openWorkspace({ stores, differ }: TransferParts, scope: Scope): Promise<Leased> {
  const { namespace } = scope;
  const { leases } = stores.scoped({ namespace });
  const expire = new Date(Date.now() + leaseLifeMs).toISOString().replace(/\.\d+Z$/, "Z");
  const own =
    scope.lease === undefined
      ? await leases.create({ labels: { "containerd.io/gc.expire": expire } })
      : undefined;
  const lease = scope.lease ?? own?.id;
  const scoped = stores.scoped(lease === undefined ? { namespace } : { namespace, lease });
  const workspace: Workspace = {
    content: scoped.content,
    images: scoped.images,
    differ: differ.scoped(namespace, lease),
    snapshotter: (name) => scoped.snapshotter(name),
  };
  return {
    workspace,
    async [Symbol.asyncDispose]() {
      if (!own) return;
      await cleanup(() => leases.delete(own.id)).catch((error: unknown) => {
        if (!hasCode(error, "not_found")) throw error;
      });
    },
  };
}

const defaultSnapshotter = "overlayfs";

/** What the client wants unpacked; who names no snapshotter gets the one of the configuration. */
export function unpacksOf({ config }: TransferParts, { unpacks }: ImageStoreEnd): UnpackTarget[] {
  const [preset = { snapshotter: defaultSnapshotter }] = config.unpacks;
  return unpacks.map(({ platform, snapshotter }) => ({
    platform: platform.os === "" ? hostPlatform() : platform,
    snapshotter: snapshotter === "" ? preset.snapshotter : snapshotter,
  }));
}

/**
 * To be called before anything is fetched or read for an image that is to be unpacked.
 * @throws {Fault} `invalid_argument` for a snapshotter that is not here
 */
export function checkUnpacks(parts: TransferParts, { namespace }: Scope, to: ImageStoreEnd): void {
  const stores = parts.stores.scoped({ namespace });
  for (const { snapshotter } of unpacksOf(parts, to)) stores.snapshotter(snapshotter);
}

/** @throws {Fault} `permission_denied` when a verifier says no, or nothing */
export async function verify(
  { verifiers, log }: TransferParts,
  what: "pull" | "import",
  name: string,
  target: Descriptor,
  signal?: AbortSignal,
): Promise<void> {
  const image = `${name} with digest ${target.digest}`;
  for (const [id, verifier] of verifiers) {
    let judgement;
    try {
      judgement = await verifier.verify(name, target, signal);
    } catch (error) {
      const why = `blocking ${what} of ${image}: image verifier ${id} returned error: ${messageOf(error)}`;
      throw new Fault("permission_denied", why, { cause: error });
    }
    const { ok, reason } = judgement;
    log[ok ? "debug" : "warn"](`image verifier ${ok ? "allowed" : "blocked"} ${what}`, { name, id, reason });
    if (ok) continue;
    const why = `image verifier ${id} blocked ${what} of ${image} for reason: ${reason}`;
    throw new Fault("permission_denied", why);
  }
}
