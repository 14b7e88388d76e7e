import type { Scope } from "@slipway/core/stores";
import type { ImageStoreEnd, RegistryEnd, TransferOptions } from "@slipway/core/transfer";
import { pushImage } from "@slipway/images/push-image";
import { openWorkspace, type TransferParts } from "./parts.ts";
import { blobEvents } from "./progress.ts";
import { openRemote } from "./remote.ts";

export async function push(
  parts: TransferParts,
  scope: Scope,
  { name, platforms }: ImageStoreEnd,
  to: RegistryEnd,
  options: TransferOptions,
): Promise<void> {
  const { onProgress, signal } = options;
  const registry = `OCI Registry (${to.reference})`;
  await using leased = await openWorkspace(parts, scope);
  const { content, images } = leased.workspace;
  const { target } = await images.get(name);
  onProgress?.({ event: `Pushing to ${registry}` });
  onProgress?.({ event: "pushing content", name, target });
  const { parsed, repository } = openRemote(parts, to, options);
  const destination = { repository, host: parsed.host, path: parsed.repository };
  await pushImage(content, destination, target, parsed.tag ?? target.digest, {
    platforms,
    concurrentLayers: parts.config.maxConcurrentUploadedLayers,
    onProgress: blobEvents(name, onProgress),
    ...(signal ? { signal } : {}),
  });
  // ctr shows a report without a name with the next one that has one.
  onProgress?.({ event: `Completed push to ${registry}`, target });
  onProgress?.({ event: "pushed content", name, target });
}
