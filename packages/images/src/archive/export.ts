import type { ContentProvider } from "@slipway/core/content";
import { Fault, hasCode } from "@slipway/fault/fault";
import { encodeHeader, endOfArchive, paddingAfter } from "@slipway/layers/tar/encoder";
import type { Descriptor } from "@slipway/oci/descriptor";
import { type Digest, digestOf } from "@slipway/oci/digest";
import type { Index, Manifest } from "@slipway/oci/image";
import { isIndex, isManifest, mediaTypes } from "@slipway/oci/media-types";
import { formatPlatform, type Platform } from "@slipway/oci/platform";
import { familiarReference, parseReference } from "@slipway/oci/reference";
import { layersOf } from "../layers-of.ts";
import { readIndex, readManifest } from "../read.ts";
import { archiveFile, blobPath } from "./files.ts";
import { imageNameAnnotation, refNameAnnotation } from "./annotations.ts";
import { chooseManifest } from "../choose-manifest.ts";
import { waysBack } from "../discarded-layers.ts";
import { verifiedBlob } from "../verified-blob.ts";

export interface NamedImage {
  readonly name: string;
  readonly target: Descriptor;
}

export interface ExportOptions {
  /** Only the best manifest for each; all that are there unless told. */
  readonly platforms?: readonly Platform[];
  /** Told of each manifest of an index that is left out because its content is not there. */
  readonly onLeftOut?: (image: NamedImage, manifest: Descriptor) => void;
}

/**
 * Writes images as a tar that is an OCI layout and a docker archive at once, as containerd does (core/images/archive), but
 * always whole: an index of which not all platforms are there goes out as a smaller one, or as its only manifest.
 * @throws {Fault} `not_found` when nothing of an image can be written
 */
export async function* exportImages(
  content: ContentProvider,
  images: readonly NamedImage[],
  options: ExportOptions = {},
): AsyncGenerator<Uint8Array> {
  const plan = new Plan(content);
  for (const image of images) await plan.add(image, options);
  yield* archiveFile("oci-layout", Buffer.from(JSON.stringify({ imageLayoutVersion: "1.0.0" })));
  for (const folder of ["blobs/", "blobs/sha256/"]) {
    yield encodeHeader({ type: "directory", name: folder, mode: 0o755 });
  }
  for (const { digest, size } of plan.blobs.values()) {
    yield encodeHeader({ type: "file", name: blobPath(digest), mode: 0o444, sizeBytes: size });
    const made = plan.made.get(digest);
    if (made) yield made;
    else yield* verifiedBlob(content, digest);
    yield paddingAfter(size);
  }
  const index: Index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: plan.targets };
  yield* archiveFile("index.json", Buffer.from(JSON.stringify(index)));
  yield* archiveFile("manifest.json", Buffer.from(JSON.stringify(plan.dockerManifests)));
  yield endOfArchive;
}

/** What an archive will have. */
class Plan {
  readonly blobs = new Map<Digest, Descriptor>();
  /** Blobs that are in no store. */
  readonly made = new Map<Digest, Buffer>();
  readonly targets: Descriptor[] = [];
  readonly #docker = new Map<Digest, { readonly manifest: Manifest; readonly names: string[] }>();
  readonly #content: ContentProvider;

  constructor(content: ContentProvider) {
    this.#content = content;
  }

  get dockerManifests(): object[] {
    return [...this.#docker.values()].map(({ manifest, names }) => ({
      Config: blobPath(manifest.config.digest),
      RepoTags: names.flatMap(familiarTag),
      Layers: layersOf(manifest).map(({ digest }) => blobPath(digest)),
    }));
  }

  async add(image: NamedImage, { platforms = [], onLeftOut = () => {} }: ExportOptions): Promise<void> {
    const manifests = await this.#manifests(image, platforms, (manifest) => onLeftOut(image, manifest));
    const [first] = manifests.present;
    if (!first) throw await this.#nothingOf(image, platforms);
    let { target } = image;
    if (isManifest(target.mediaType)) this.blobs.set(target.digest, target);
    else if (manifests.isWhole) await this.#addIndexes(target);
    else if (manifests.present.length === 1) target = first.target;
    else target = this.#makeIndex(manifests.present.map((one) => one.target));
    this.targets.push({
      ...target,
      annotations: {
        ...target.annotations,
        [imageNameAnnotation]: image.name,
        ...refName(image.name),
      },
    });
    for (const { target: one, manifest } of manifests.present) {
      for (const blob of [one, manifest.config, ...manifest.layers]) this.blobs.set(blob.digest, blob);
    }
    const known = this.#docker.get(first.target.digest) ?? { manifest: first.manifest, names: [] };
    known.names.push(image.name);
    this.#docker.set(first.target.digest, known);
  }

  async #manifests(
    { target }: NamedImage,
    platforms: readonly Platform[],
    leaveOut: (manifest: Descriptor) => void,
  ): Promise<{ present: { target: Descriptor; manifest: Manifest }[]; isWhole: boolean }> {
    const all = await this.#leaves(target);
    const wanted = await this.#wanted(target, platforms);
    const present: { target: Descriptor; manifest: Manifest }[] = [];
    for (const one of wanted) {
      const manifest = await this.#readWhole(one);
      if (manifest) present.push({ target: one, manifest });
      else leaveOut(one);
    }
    return { present, isWhole: present.length === all.length };
  }

  async #nothingOf(image: NamedImage, platforms: readonly Platform[]): Promise<Fault> {
    const cannot = `image "${image.name}": nothing of it is there to be written`;
    for (const { digest } of await this.#wanted(image.target, platforms)) {
      const manifest = await ifThere(() => readManifest(this.#content, { digest }));
      if (manifest && (await ifThere(() => this.#content.info(manifest.config.digest)))) {
        return new Fault(
          "failed_precondition",
          `${cannot}: the blobs of its layers are not kept: ${waysBack}`,
        );
      }
    }
    return new Fault("not_found", cannot);
  }

  async #wanted(target: Descriptor, platforms: readonly Platform[]): Promise<readonly Descriptor[]> {
    const all = await this.#leaves(target);
    if (platforms.length === 0 || !isIndex(target.mediaType)) return all;
    return [...new Set(platforms.map((platform) => chooseManifest(all, platform)))];
  }

  async #leaves(target: Descriptor): Promise<Descriptor[]> {
    if (isManifest(target.mediaType)) return [target];
    if (!isIndex(target.mediaType)) {
      throw new Fault("invalid_argument", "only manifests may be exported: invalid argument");
    }
    const { manifests } = await readIndex(this.#content, target);
    return (await Promise.all(manifests.map((one) => this.#leaves(one)))).flat();
  }

  /** Nothing when a part of it is not there. */
  async #readWhole(target: Descriptor): Promise<Manifest | undefined> {
    try {
      const manifest = await readManifest(this.#content, target);
      for (const { digest } of [manifest.config, ...manifest.layers]) await this.#content.info(digest);
      return manifest;
    } catch (error) {
      if (hasCode(error, "not_found")) return undefined;
      throw error;
    }
  }

  async #addIndexes(target: Descriptor): Promise<void> {
    if (!isIndex(target.mediaType)) return;
    this.blobs.set(target.digest, target);
    for (const one of (await readIndex(this.#content, target)).manifests) await this.#addIndexes(one);
  }

  #makeIndex(manifests: readonly Descriptor[]): Descriptor {
    const index: Index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
    const bytes = Buffer.from(JSON.stringify(index));
    const target = { mediaType: mediaTypes.ociIndex, digest: digestOf(bytes), size: bytes.length };
    this.made.set(target.digest, bytes);
    this.blobs.set(target.digest, target);
    return target;
  }
}

async function ifThere<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (hasCode(error, "not_found")) return undefined;
    throw error;
  }
}

/** A platform in words, for who is told that it was left out. */
export function platformOf({ platform, digest }: Descriptor): string {
  return platform ? formatPlatform(platform) : digest;
}

function familiarTag(name: string): string[] {
  try {
    const reference = parseReference(name);
    return reference.tag === undefined ? [] : [familiarReference(reference)];
  } catch {
    return [];
  }
}

/** The tag alone, as the image layout's specification has it. */
function refName(name: string): Record<string, string> {
  const tag = /:([\w.-]+)$/.exec(name)?.[1];
  return tag === undefined ? {} : { [refNameAnnotation]: tag };
}
