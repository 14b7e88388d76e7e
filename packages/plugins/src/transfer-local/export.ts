import type { Scope } from "@slipway/core/stores";
import type { ExportEnd, ImageStoreEnd, TransferOptions } from "@slipway/core/transfer";
import { Fault } from "@slipway/fault/fault";
import { exportArchive } from "@slipway/images/archive/export-layout";
import { hostPlatform } from "@slipway/oci/platform";
import { openWorkspace, type TransferParts } from "./parts.ts";

export async function exportImages(
  parts: TransferParts,
  scope: Scope,
  from: ImageStoreEnd,
  to: ExportEnd,
  { onProgress, signal }: TransferOptions,
): Promise<void> {
  await using leased = await openWorkspace(parts, scope);
  const { content, images } = leased.workspace;
  onProgress?.({ event: "Exporting" });
  if (from.extraReferences.some(({ isPrefix }) => isPrefix)) {
    throw new Fault("unimplemented", "prefix lookup on export not implemented: not implemented");
  }
  const names = [from.name, ...from.extraReferences.map(({ name }) => name)].filter((name) => name !== "");
  const named = await Promise.all(names.map((name) => images.get(name)));
  const archive = exportArchive(content, named, {
    platforms: to.platforms.length > 0 ? to.platforms : [hostPlatform()],
    allPlatforms: to.allPlatforms,
    skipDockerManifest: to.skipCompatibilityManifest,
    skipNonDistributable: to.skipNonDistributable,
    ...(signal ? { signal } : {}),
  });
  await to.write(archive);
  onProgress?.({ event: "Completed export" });
}
