import { Fault } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { formatPlatform, type Platform, platformDistance } from "@slipway/oci/platform";

/**
 * The manifest of an index that serves a platform best. One without a platform may be for any: it is the last choice.
 * @throws {Fault} `not_found`
 */
export function chooseManifest(manifests: readonly Descriptor[], wanted: Platform): Descriptor {
  const [best] = byDistance(manifests, wanted);
  if (best) return best.manifest;
  throw new Fault("not_found", `no match for platform in manifest: ${formatPlatform(wanted)}: not found`);
}

/**
 * The manifests of an index for some platforms, in their order: those for exactly the platform, else the nearest that
 * runs there. All of them when no platform is wanted. What says nothing of its platform is always taken.
 */
export function filterManifests(
  manifests: readonly Descriptor[],
  platforms: readonly Platform[],
): Descriptor[] {
  if (platforms.length === 0) return [...manifests];
  const chosen = platforms.flatMap((wanted) => {
    const candidates = byDistance(
      manifests.filter(({ platform }) => platform !== undefined),
      wanted,
    );
    const exact = candidates.filter(({ distance }) => distance === 0);
    return (exact.length > 0 ? exact : candidates.slice(0, 1)).map(({ manifest }) => manifest);
  });
  return [...new Set([...chosen, ...manifests.filter(({ platform }) => platform === undefined)])];
}

function byDistance(
  manifests: readonly Descriptor[],
  wanted: Platform,
): { manifest: Descriptor; distance: number }[] {
  return manifests
    .map((manifest) => ({
      manifest,
      distance: manifest.platform ? platformDistance(wanted, manifest.platform) : Number.MAX_VALUE,
    }))
    .filter((one): one is { manifest: Descriptor; distance: number } => one.distance !== undefined)
    .toSorted((a, b) => a.distance - b.distance);
}
