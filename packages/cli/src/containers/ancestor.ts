import type { Client } from "@slipway/client/client";
import { findImages } from "@slipway/client/find-images";
import type { Container } from "@slipway/core/containers";
import { hasCode } from "@slipway/fault/fault";
import type { Image } from "@slipway/core/images";
import { configOf } from "../images/config-of.ts";
import { isNameOf } from "../images/familiar.ts";

/**
 * The names of the images among those of `containers` that `ps --filter ancestor=TEXT` means, as in Docker: the image that
 * a name, an id or a digest stands for, and those that were made on top of it, whose layers begin with all of its layers.
 */
export async function descendantsOf(
  client: Client,
  text: string,
  containers: readonly Container[],
): Promise<ReadonlySet<string>> {
  const names = new Set(containers.map(({ image }) => image));
  // A container's image may have been removed: its name is all there is.
  const found = new Set([...names].filter((name) => isNameOf(name, text)));
  const ancestors = await findOrNone(client, text);
  const layers = await layersOf(client, ancestors[0]);
  for (const image of ancestors.length === 0 ? [] : await client.images.list()) {
    if (!names.has(image.name)) continue;
    const isSame = ancestors.some(
      ({ name, target }) => name === image.name || target.digest === image.target.digest,
    );
    if (isSame || (layers && startsWith(await layersOf(client, image), layers))) found.add(image.name);
  }
  return found;
}

async function findOrNone(client: Client, text: string): Promise<Image[]> {
  try {
    return await findImages(client, text);
  } catch (error) {
    if (hasCode(error, "not_found")) return [];
    throw error;
  }
}

/** Undefined for an image that is not here or has no layers: all others would be its descendants. */
async function layersOf(client: Client, image: Image | undefined): Promise<readonly string[] | undefined> {
  const layers = image && (await configOf(client, image))?.rootfs.diff_ids;
  return layers && layers.length > 0 ? layers : undefined;
}

function startsWith(layers: readonly string[] | undefined, beginning: readonly string[]): boolean {
  return layers !== undefined && beginning.every((layer, index) => layers[index] === layer);
}
