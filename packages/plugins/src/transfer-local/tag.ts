import type { Scope } from "@slipway/core/stores";
import type { ImageStoreEnd } from "@slipway/core/transfer";
import { storeImages } from "./image-names.ts";
import { openWorkspace, type TransferParts } from "./parts.ts";

export async function tag(
  parts: TransferParts,
  scope: Scope,
  from: ImageStoreEnd,
  to: ImageStoreEnd,
): Promise<void> {
  await using leased = await openWorkspace(parts, scope);
  const { images } = leased.workspace;
  const { target } = await images.get(from.name);
  await storeImages(images, to, target);
}
