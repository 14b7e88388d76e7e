import type { ContentProvider } from "@slipway/core/content";
import type { Labels } from "@slipway/core/labels";
import { hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { isLayer } from "@slipway/oci/media-types";
import { childLabels } from "./child-labels.ts";

/*
 * An image may be without the blobs of its layers: they were let go once the layers were unpacked. Then the manifest does not
 * hold them against the collector, and these labels say so.
 */

/** On the image. */
export const discardedBlobsLabel: Labels = { "slipway/layer-blobs": "discarded" };
/** On a snapshot that was made of a blob which need not be there any more. */
export const discardedBlobLabel: Labels = { "slipway/layer-blob": "discarded" };

export function isDiscarded(labels: Labels, mark: Labels): boolean {
  return Object.entries(mark).every(([key, value]) => labels[key] === value);
}

/** What lets the collector find a manifest's children, as far as they are to be kept. */
export function heldChildren(children: readonly Descriptor[], discards: boolean): Labels {
  return childLabels(discards ? children.filter(({ mediaType }) => !isLayer(mediaType)) : children);
}

/** The layers whose blobs are not here. */
export async function missingLayers(
  content: ContentProvider,
  layers: readonly Descriptor[],
): Promise<Descriptor[]> {
  const missing: Descriptor[] = [];
  for (const layer of layers) {
    try {
      await content.info(layer.digest);
    } catch (error) {
      if (!hasCode(error, "not_found")) throw error;
      missing.push(layer);
    }
  }
  return missing;
}

/** What can be done about a layer whose blob is not here, in words for a message. */
export const waysBack =
  'pull the image again without --discard-blobs, or make blobs with other digests from its layers: "slipway image convert"';
