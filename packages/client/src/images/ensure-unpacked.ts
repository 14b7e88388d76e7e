import { hasCode } from "@slipway/fault/fault";
import type { ImageContent } from "@slipway/images/image-config";
import { layersOf } from "@slipway/images/layers-of";
import type { Client } from "../connect/client.ts";
import { leased } from "../leases/leased.ts";

/** Unpacks an image for a snapshotter where that has not been done. */
export async function ensureUnpacked(
  client: Client,
  snapshotter: string,
  { manifest, config, chainId }: ImageContent,
): Promise<void> {
  if (chainId === "") return;
  try {
    await client.snapshotter(snapshotter).stat(chainId);
  } catch (error) {
    if (!hasCode(error, "not_found")) throw error;
    const { unpack } = await import("@slipway/images/unpack");
    await using held = await leased(client);
    await unpack(held.client, layersOf(manifest), config.rootfs.diff_ids, { snapshotter });
    const label = `containerd.io/gc.ref.snapshot.${snapshotter}`;
    await client.content.update(manifest.config.digest, { [label]: chainId }, [`labels.${label}`]);
  }
}
