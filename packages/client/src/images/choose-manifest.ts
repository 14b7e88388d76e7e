import { Fault } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { formatPlatform, type Platform, platformDistance } from "@slipway/oci/platform";

/**
 * The manifest of an index that serves a platform best. One without a platform may be for any: it is the last choice.
 * @throws {Fault} `not_found`
 */
export function chooseManifest(manifests: readonly Descriptor[], wanted: Platform): Descriptor {
  const [best] = manifests
    .map((manifest) => ({
      manifest,
      distance: manifest.platform ? platformDistance(wanted, manifest.platform) : Number.MAX_VALUE,
    }))
    .filter((one): one is { manifest: Descriptor; distance: number } => one.distance !== undefined)
    .toSorted((a, b) => a.distance - b.distance);
  if (best) return best.manifest;
  throw new Fault("not_found", `no match for platform in manifest: ${formatPlatform(wanted)}: not found`);
}
