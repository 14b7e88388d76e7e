import type { Image } from "@slipway/core/images";
import type { Scope } from "@slipway/core/stores";
import type { ImageStoreEnd, ImportEnd, TransferOptions } from "@slipway/core/transfer";
import { platformOf } from "@slipway/images/archive/export";
import { fetchImage } from "@slipway/images/fetch-image";
import { importArchive } from "@slipway/images/archive/import-index";
import { readIndex } from "@slipway/images/read";
import { Fault } from "@slipway/fault/fault";
import { archiveNames, storeImages, storeNamed } from "./image-names.ts";
import { checkUnpacks, openWorkspace, type TransferParts, unpacksOf, verify } from "./parts.ts";

export async function importImages(
  parts: TransferParts,
  scope: Scope,
  { bytes, forceCompress }: ImportEnd,
  to: ImageStoreEnd,
  { onProgress, signal }: TransferOptions,
): Promise<void> {
  checkUnpacks(parts, scope, to);
  await using leased = await openWorkspace(parts, scope);
  const { workspace } = leased;
  const { content, images } = workspace;
  onProgress?.({ event: "Importing" });
  const abort = signal ? { signal } : {};
  const index = await importArchive(content, bytes, { compress: forceCompress, ...abort });
  const { manifests } = await readIndex(content, index);
  const named = manifests.filter((manifest) => archiveNames(to, manifest).length > 0);
  const ownNames = [to.name, ...named.flatMap((one) => archiveNames(to, one).map(([name]) => name))];
  for (const name of ownNames.filter((name) => name !== "")) {
    const target = named.find((one) => archiveNames(to, one).some(([own]) => own === name)) ?? index;
    await verify(parts, "import", name, target, signal);
  }
  // All is there: this sets the labels, and unpacks.
  await fetchImage(workspace, nothing, index, {
    platforms: to.platforms,
    allMetadata: to.allMetadata,
    manifestLimit: to.manifestLimit,
    unpacks: unpacksOf(parts, to),
    // What has a name must be whole; an index may name platforms that are not in the archive.
    mayMiss: (manifest) => {
      if (named.some(({ digest }) => digest === manifest.digest)) return false;
      onProgress?.({ event: "left out", name: platformOf(manifest), target: manifest });
      return true;
    },
    concurrentLayers: 1,
    locks: parts.locks,
    ...abort,
  });
  // Each is reported when it is stored: clients look it up before the transfer ends.
  const saved = (stored: readonly Image[]): void => {
    for (const { name, target } of stored) onProgress?.({ event: "saved", name, target });
  };
  if (to.name !== "" || to.extraReferences.some(({ isPrefix, addDigest }) => !isPrefix || addDigest)) {
    saved(await storeImages(images, to, index));
  }
  for (const manifest of named) saved(await storeNamed(images, to, manifest));
  onProgress?.({ event: "Completed import" });
}

/** An archive must have what its index leads to. */
const nothing = {
  // oxlint-disable-next-line require-yield
  async *fetch({ digest }: { readonly digest: string }): AsyncGenerator<Uint8Array> {
    throw new Fault("not_found", `content digest ${digest}: not found in the archive`);
  },
};
