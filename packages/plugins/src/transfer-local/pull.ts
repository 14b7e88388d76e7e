import type { Scope } from "@slipway/core/stores";
import type { ImageStoreEnd, RegistryEnd, TransferOptions } from "@slipway/core/transfer";
import { Fault, hasCode, messageOf } from "@slipway/fault/fault";
import { sourceLabel } from "@slipway/images/child-labels";
import { discardedBlobsLabel, isDiscarded } from "@slipway/images/discarded-layers";
import { fetchImage } from "@slipway/images/fetch-image";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Reference } from "@slipway/oci/reference";
import type { Repository } from "@slipway/registry/registry";
import { storeImages } from "./image-names.ts";
import { checkUnpacks, openWorkspace, type TransferParts, unpacksOf, verify } from "./parts.ts";
import { blobEvents } from "./progress.ts";
import { PullReport } from "./pull-report.ts";
import { openRemote } from "./remote.ts";

export async function pull(
  parts: TransferParts,
  scope: Scope,
  from: RegistryEnd,
  to: ImageStoreEnd,
  options: TransferOptions,
): Promise<void> {
  const report = new PullReport(parts.events, parts.measures, scope.namespace, from.reference);
  await report.during(() => pullAndTell(parts, scope, from, to, options, report));
}

async function pullAndTell(
  parts: TransferParts,
  scope: Scope,
  from: RegistryEnd,
  to: ImageStoreEnd,
  options: TransferOptions,
  report: PullReport,
): Promise<void> {
  const { onProgress, signal } = options;
  const { reference } = from;
  const registry = `OCI Registry (${reference})`;
  checkUnpacks(parts, scope, to);
  const { parsed, repository } = openRemote(parts, from, options);
  void expectLayers(parts, scope, to);
  onProgress?.({ event: `Resolving from ${registry}` });
  const target = await resolve(repository, parsed, signal);
  report.resolved(target);
  await verify(parts, "pull", reference, target, signal);
  onProgress?.({ event: `Pulling from ${registry}` });
  onProgress?.({ event: "fetching image content", name: reference, target });
  await using leased = await openWorkspace(parts, scope);
  const { workspace } = leased;
  const unpacks = unpacksOf(parts, to);
  const discardsBlobs = discards(parts, to);
  const tell = blobEvents(reference, onProgress);
  await fetchImage(workspace, repository, target, {
    platforms: to.platforms,
    allMetadata: to.allMetadata,
    manifestLimit: to.manifestLimit,
    unpacks,
    discardsBlobs,
    labels: (before) => sourceLabel(parsed.host, parsed.repository, before),
    imageName: reference,
    concurrentLayers: parts.config.maxConcurrentDownloads,
    locks: parts.locks,
    onProgress: (progress) => {
      report.blob(progress);
      tell(progress);
    },
    ...(signal ? { signal } : {}),
  });
  const labels = discardsBlobs ? { ...to.labels, ...discardedBlobsLabel } : to.labels;
  for (const { name } of await storeImages(workspace.images, { ...to, labels }, target)) {
    onProgress?.({ event: "saved", name, target });
  }
  onProgress?.({ event: `Completed pull from ${registry}` });
}

/** While the registry is asked. An image that has its name already may well have all of its layers. */
async function expectLayers(parts: TransferParts, { namespace }: Scope, to: ImageStoreEnd): Promise<void> {
  const [unpack] = unpacksOf(parts, to);
  if (!unpack) return;
  const { images } = parts.stores.scoped({ namespace });
  const isNew = await images.get(to.name).then(
    () => false,
    () => true,
  );
  if (isNew) parts.layers.expect(unpack.snapshotter);
}

/** By the label that the image is to have, or by the configuration. @throws {Fault} `invalid_argument` when nothing is unpacked */
function discards({ config }: TransferParts, { labels, unpacks }: ImageStoreEnd): boolean {
  if (unpacks.length > 0) return config.discardUnpackedLayers || isDiscarded(labels, discardedBlobsLabel);
  if (!isDiscarded(labels, discardedBlobsLabel)) return false;
  throw new Fault("invalid_argument", "Cannot discard the blobs of layers that are not unpacked");
}

async function resolve(
  repository: Repository,
  { tag, digest }: Reference,
  signal: AbortSignal | undefined,
): Promise<Descriptor> {
  try {
    return await repository.resolve(digest ?? tag ?? "", signal);
  } catch (error) {
    if (!(error instanceof Fault) || hasCode(error, "canceled")) throw error;
    throw new Fault(error.code, `failed to resolve image: ${messageOf(error)}`, { cause: error });
  }
}
