import type { ContentStore } from "@slipway/core/content";
import type { Image, ImageStore } from "@slipway/core/images";
import { hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { isIndex, isManifest } from "@slipway/oci/media-types";
import { canonicalName } from "@slipway/oci/reference";
import { childLabels } from "../child-labels.ts";
import { addLabels } from "../fetch-blob.ts";
import { readIndex, readManifest } from "../read.ts";
import { storeImage } from "../store-image.ts";
import { imageNameAnnotation, refNameAnnotation } from "./annotations.ts";
import { importArchive } from "./import-index.ts";

/**
 * Brings the images of an archive into the stores, each under the name that it has there. A lease should hold the content. Of
 * the platforms that an index names, those whose content is in the archive are held.
 * @throws {Fault} `invalid_argument` when it is no archive of images, `data_loss` when it is cut off or a blob is wrong
 */
export async function importImages(
  content: ContentStore,
  store: ImageStore,
  source: AsyncIterable<Uint8Array>,
): Promise<Image[]> {
  const { manifests } = await readIndex(content, await importArchive(content, source));
  const images: Image[] = [];
  for (const target of manifests) {
    await label(content, target);
    images.push(await storeImage(store, { name: nameOf(target), target: withoutNames(target), labels: {} }));
  }
  return images;
}

/** Lets the collector find what a target leads to, as far as it is there. */
async function label(content: ContentStore, target: Descriptor): Promise<void> {
  if (isManifest(target.mediaType)) {
    const { config, layers } = await readManifest(content, target);
    await addLabels(content, target.digest, () => childLabels([config, ...layers]));
  } else if (isIndex(target.mediaType)) {
    const { manifests } = await readIndex(content, target);
    await addLabels(content, target.digest, () => childLabels(manifests));
    for (const one of manifests) {
      try {
        await label(content, one);
      } catch (error) {
        // A platform that the archive does not have.
        if (!hasCode(error, "not_found")) throw error;
      }
    }
  }
}

function nameOf({ annotations = {}, digest }: Descriptor): string {
  const name = annotations[imageNameAnnotation] ?? annotations[refNameAnnotation];
  const base = `import-${new Date().toISOString().slice(0, 10)}`;
  if (name === undefined) return `${base}@${digest}`;
  // A layout's reference may be a tag alone: ctr's name for such an image.
  if (/^[\w.-]+$/.test(name)) return `${base}:${name}`;
  try {
    return canonicalName(name);
  } catch {
    return name;
  }
}

/** Annotations of an archive's index are about the archive. */
function withoutNames({ mediaType, digest, size, platform }: Descriptor): Descriptor {
  return { mediaType, digest, size, ...(platform ? { platform } : {}) };
}
