import type { ImageConfig } from "@slipway/oci/image";
import { parseTarget, type VolumeRequest } from "./mount-request.ts";

/**
 * The volumes that an image declares. A relative path is one from the root, as Docker takes it.
 * @throws {Fault} `invalid_argument` for "/"
 */
export function imageVolumes(image: ImageConfig | undefined): VolumeRequest[] {
  const paths = Object.keys(image?.config?.Volumes ?? {});
  const targets = new Set(paths.map((path) => parseTarget(`/${path}`)));
  return [...targets].map((target) => ({
    type: "volume",
    target,
    name: undefined,
    readOnly: false,
    copiesUp: true,
    labels: {},
  }));
}
