import type { Descriptor } from "@slipway/oci/descriptor";
import type { Manifest } from "@slipway/oci/image";
import { isLayer } from "@slipway/oci/media-types";

type Layers = Pick<Manifest, "layers">;

/**
 * The layers of a manifest that are file systems. A manifest may list further blobs among them, such as an SBOM: those have
 * no diff id, and are not unpacked. Upstream: core/unpack and client/image.go, by images.IsLayerType.
 */
export function layersOf({ layers }: Layers): Descriptor[] {
  return layers.filter(({ mediaType }) => isLayer(mediaType));
}

/** What a manifest lists as layers, each with its place among those that are file systems: its diff id is there. */
export function placesOf({ layers }: Layers): { readonly blob: Descriptor; readonly place?: number }[] {
  let next = 0;
  return layers.map((blob) => (isLayer(blob.mediaType) ? { blob, place: next++ } : { blob }));
}
