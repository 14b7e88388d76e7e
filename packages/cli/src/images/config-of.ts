import type { Client } from "@slipway/client/client";
import type { Image } from "@slipway/core/images";
import { Fault, hasCode } from "@slipway/fault/fault";
import { readImage } from "@slipway/images/image-config";
import type { ImageConfig } from "@slipway/oci/image";

/** An image's configuration for this machine's platform; undefined if it is not here or cannot be read. */
export async function configOf(client: Client, { target }: Image): Promise<ImageConfig | undefined> {
  try {
    return (await readImage(client.content, target)).config;
  } catch (error) {
    if (error instanceof Fault && !hasCode(error, "canceled", "deadline_exceeded", "unavailable"))
      return undefined;
    throw error;
  }
}
