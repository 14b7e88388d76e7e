import { type ImageContent, readImage } from "@slipway/images/image-config";
import type { ContentProvider } from "@slipway/core/content";
import { Fault } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { formatPlatform, type Platform, platformDistance } from "@slipway/oci/platform";

/** A manifest that was found for a platform, and its configuration. */
export type FoundImage = Pick<ImageContent, "target" | "config">;

/**
 * Whether an image serves a platform that the user named. An image that is no index has one platform only, which nobody
 * chose: without this check, it would be taken for any.
 */
export function servesPlatform(image: FoundImage, wanted: Platform): boolean {
  return platformDistance(wanted, platformOf(image)) !== undefined;
}

/** @throws {Fault} `not_found` */
export function requirePlatform(name: string, image: FoundImage, wanted: Platform): void {
  if (servesPlatform(image, wanted)) return;
  throw new Fault(
    "not_found",
    `image "${name}" has no platform ${formatPlatform(wanted)}: it is for ${formatPlatform(platformOf(image))}`,
  );
}

/** An index says for what its manifests are; the configuration is asked where none does, as containerd has it. */
function platformOf({ target, config }: FoundImage): Platform {
  return target.platform ?? config;
}

/** Checks that an image that is here serves every platform that was named. @throws {Fault} `not_found` */
export async function requirePlatforms(
  content: ContentProvider,
  { name, target }: { readonly name: string; readonly target: Descriptor },
  platforms: readonly Platform[] | "all" | undefined,
): Promise<void> {
  if (platforms === undefined || platforms === "all") return;
  for (const wanted of platforms) {
    requirePlatform(name, await readImage(content, target, wanted), wanted);
  }
}
