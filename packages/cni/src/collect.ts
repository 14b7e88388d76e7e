import type { Attachment } from "./attachment.ts";
import type { Network } from "./network.ts";
import type { Networks } from "./networks.ts";
import { isAtLeast } from "./version.ts";

/**
 * Detaches what is remembered of a network and belongs to nobody any more, and lets its plugins look for more (GC, since
 * version 1.1.0 of the specification). Goes on after a failure, and throws them all at the end.
 * @param valid the attachments that are in use
 * @throws {AggregateError}
 */
export async function collectNetwork(
  networks: Networks,
  network: Network,
  valid: readonly Pick<Attachment, "containerId" | "interfaceName">[],
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<void> {
  if (network.disableGC) return;
  const failures: unknown[] = [];
  const attempt = async (work: Promise<unknown>): Promise<void> => {
    await work.catch((error: unknown) => {
      signal?.throwIfAborted();
      failures.push(error);
    });
  };
  const inUse = new Set(valid.map(keyOf));
  for (const cached of await networks.cache.list()) {
    if (cached.network !== network.name || inUse.has(keyOf(cached.attachment))) continue;
    await attempt(networks.remove(network, cached.attachment, signal ? { signal } : {}));
  }
  if (isAtLeast(network.cniVersion, "1.1.0")) {
    const attachments = valid.map(({ containerId, interfaceName }) => ({
      containerID: containerId,
      ifname: interfaceName,
    }));
    // Plugins read one name or the other: the specification had it wrong for a while.
    const lists = { "cni.dev/valid-attachments": attachments, "cni.dev/attachments": attachments };
    const { name, cniVersion } = network;
    for (const { type, config } of network.plugins) {
      await attempt(networks.plugins.run(type, "GC", { ...config, name, cniVersion, ...lists }, { signal }));
    }
  }
  if (failures.length > 0)
    throw new AggregateError(failures, `Cannot collect all of network "${network.name}"`);
}

function keyOf({ containerId, interfaceName }: Pick<Attachment, "containerId" | "interfaceName">): string {
  return `${containerId} ${interfaceName}`;
}
