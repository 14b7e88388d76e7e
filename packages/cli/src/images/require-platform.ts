import { readImage } from "@slipway/images/image-config";
import type { ContentProvider } from "@slipway/core/content";
import { Fault } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { formatPlatform, type Platform, platformDistance } from "@slipway/oci/platform";

/**
 * Whether an image serves a platform that the user named. An image that is no index has one platform only, which nobody
 * chose: without this check, it would be taken for any.
 */
export function servesPlatform(own: Platform, wanted: Platform): boolean {
  return platformDistance(wanted, own) !== undefined;
}

/** @throws {Fault} `not_found` */
export function requirePlatform(image: string, own: Platform, wanted: Platform): void {
  if (servesPlatform(own, wanted)) return;
  throw new Fault(
    "not_found",
    `image "${image}" has no platform ${formatPlatform(wanted)}: it is for ${formatPlatform(own)}`,
  );
}

/** Checks that an image that is here serves every platform that was named. @throws {Fault} `not_found` */
export async function requirePlatforms(
  content: ContentProvider,
  { name, target }: { readonly name: string; readonly target: Descriptor },
  platforms: readonly Platform[] | "all" | undefined,
): Promise<void> {
  if (platforms === undefined || platforms === "all") return;
  for (const wanted of platforms) {
    requirePlatform(name, (await readImage(content, target, wanted)).config, wanted);
  }
}
