import type { ContentProvider } from "@slipway/core/content";
import { Fault, hasCode } from "@slipway/fault/fault";
import { encodeHeader, endOfArchive, paddingAfter } from "@slipway/layers/tar/encoder";
import type { Descriptor } from "@slipway/oci/descriptor";
import { isIndex, isLayer, isManifest, mediaTypes } from "@slipway/oci/media-types";
import { familiarReference, parseFamiliarReference } from "@slipway/oci/reference";
import type { Platform } from "@slipway/oci/platform";
import { archiveFile, blobPath } from "./files.ts";
import { imageNameAnnotation, refNameAnnotation } from "./annotations.ts";
import { filterManifests } from "../choose-manifest.ts";
import { verifiedBlob } from "../verified-blob.ts";
import { waysBack } from "../discarded-layers.ts";
import { layersOf } from "../layers-of.ts";
import { readIndex, readManifest } from "../read.ts";

export interface ExportOptions {
  /** The best first: Docker, which knows one platform an image, gets that one. */
  readonly platforms: readonly Platform[];
  /** Everything that an index leads to; missing content is an error then. */
  readonly allPlatforms?: boolean;
  /** Leaves out manifest.json, by which Docker reads the archive. */
  readonly skipDockerManifest?: boolean;
  /** Leaves out layers that must not be passed on. */
  readonly skipNonDistributable?: boolean;
  readonly signal?: AbortSignal;
}

/** An image under a name, which may be missing. */
export interface NamedTarget {
  readonly name?: string;
  readonly target: Descriptor;
}

type Source =
  | { readonly kind: "folder"; readonly mode: number }
  | { readonly kind: "text"; readonly mode: number; readonly text: string }
  | { readonly kind: "blob"; readonly blob: Descriptor };

/**
 * Writes images as an OCI layout in a tar archive, which Docker reads, too, as containerd does: core/images/archive/exporter.go.
 * Indexes stay whole, also when the archive has only some of their platforms.
 */
export async function* exportArchive(
  content: ContentProvider,
  images: readonly NamedTarget[],
  options: ExportOptions,
): AsyncGenerator<Uint8Array> {
  const files = new Map<string, Source>();
  const text = (name: string, value: object, mode: number): unknown =>
    files.set(name, { kind: "text", mode, text: JSON.stringify(value) });
  const forDocker = new Map<string, { manifest: Descriptor; names: string[] }>();
  const manifests: Descriptor[] = [];
  for (const { name, target } of images) {
    const chosen = await collect(content, target, options, files);
    manifests.push(await annotated(content, name, target));
    const known = forDocker.get(chosen.digest) ?? { manifest: chosen, names: [] };
    if (name !== undefined) known.names.push(name);
    forDocker.set(chosen.digest, known);
  }
  await checkThere(content, files);
  text("oci-layout", { imageLayoutVersion: "1.0.0" }, 0o444);
  text("index.json", { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests }, 0o644);
  if (!options.skipDockerManifest) {
    const entries = await Promise.all([...forDocker.values()].map((one) => dockerEntry(content, one)));
    text("manifest.json", entries, 0o444);
  }
  for (const folder of ["blobs/", "blobs/sha256/"]) files.set(folder, { kind: "folder", mode: 0o755 });
  for (const [name, source] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    options.signal?.throwIfAborted();
    yield* member(content, name, source);
  }
  yield endOfArchive;
}

/** Notes what a target leads to. @returns the manifest that Docker is shown */
async function collect(
  content: ContentProvider,
  target: Descriptor,
  options: ExportOptions,
  files: Map<string, Source>,
): Promise<Descriptor> {
  if (isManifest(target.mediaType)) {
    const { config, layers } = await readManifest(content, target);
    for (const blob of [target, config, ...layers]) {
      if (options.skipNonDistributable && isNonDistributable(blob)) continue;
      files.set(blobPath(blob.digest), { kind: "blob", blob });
    }
    return target;
  }
  if (!isIndex(target.mediaType)) {
    throw new Fault("invalid_argument", "only manifests may be exported: invalid argument");
  }
  files.set(blobPath(target.digest), { kind: "blob", blob: target });
  const { manifests } = await readIndex(content, target);
  const wanted = filterManifests(manifests, options.platforms);
  const [first] = wanted;
  if (!first) throw new Fault("not_found", "no manifest found for platform: not found");
  const all = options.allPlatforms ? manifests : wanted;
  const chosen = await Promise.all(all.map((one) => collect(content, one, options, files)));
  return chosen[all.indexOf(first)] ?? first;
}

/** What is missing is told before anything is written: an archive that is cut off is worse than none. */
async function checkThere(content: ContentProvider, files: ReadonlyMap<string, Source>): Promise<void> {
  for (const source of files.values()) {
    if (source.kind !== "blob") continue;
    const { digest, mediaType } = source.blob;
    try {
      await content.info(digest);
    } catch (error) {
      if (!hasCode(error, "not_found") || !isLayer(mediaType)) throw error;
      throw new Fault(
        "failed_precondition",
        `Cannot export layer ${digest}: its blob is not kept here: ${waysBack}`,
      );
    }
  }
}

async function annotated(
  content: ContentProvider,
  name: string | undefined,
  target: Descriptor,
): Promise<Descriptor> {
  const { labels } = await content.info(target.digest);
  const sources = Object.entries(labels).filter(([key]) =>
    key.startsWith("containerd.io/distribution.source."),
  );
  const named =
    name === undefined
      ? {}
      : {
          [imageNameAnnotation]: name,
          [refNameAnnotation]: parseFamiliarReference(name).tag ?? name,
        };
  return { ...target, annotations: { ...target.annotations, ...Object.fromEntries(sources), ...named } };
}

async function dockerEntry(
  content: ContentProvider,
  { manifest, names }: { readonly manifest: Descriptor; readonly names: readonly string[] },
): Promise<object> {
  const read = await readManifest(content, manifest);
  return {
    Config: blobPath(read.config.digest),
    RepoTags: names.map((name) => familiarReference(parseFamiliarReference(name))),
    Layers: layersOf(read).map(({ digest }) => blobPath(digest)),
  };
}

async function* member(content: ContentProvider, name: string, source: Source): AsyncGenerator<Uint8Array> {
  if (source.kind === "folder") {
    yield encodeHeader({ type: "directory", name, mode: source.mode });
    return;
  }
  if (source.kind === "text") {
    yield* archiveFile(name, Buffer.from(source.text), source.mode);
    return;
  }
  const { digest, size } = source.blob;
  const { sizeBytes } = await content.info(digest);
  if (sizeBytes !== size) throw new Fault("data_loss", `Blob ${digest} has ${sizeBytes} bytes, not ${size}`);
  yield encodeHeader({ type: "file", name, mode: 0o444, sizeBytes: size });
  yield* verifiedBlob(content, digest);
  yield paddingAfter(size);
}

function isNonDistributable({ mediaType }: Descriptor): boolean {
  return /\.(?:nondistributable|foreign)\./.test(mediaType);
}
