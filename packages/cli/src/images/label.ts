import type { Client } from "@slipway/client/client";
import type { Image } from "@slipway/core/images";
import { configOf } from "./config-of.ts";

/**
 * Those of the images that have a label, by Docker's filter: `name` or `name=value`. Labels are those of an image's
 * configuration, which Docker knows, and those of its record, which ctr and nerdctl set. A record's label goes first.
 */
export async function withLabel(client: Client, images: readonly Image[], filter: string): Promise<Image[]> {
  const [name = "", wanted] = filter.split(/=(.*)/s);
  const found: Image[] = [];
  for (const image of images) {
    const value = image.labels[name] ?? (await configOf(client, image))?.config?.Labels?.[name];
    if (value !== undefined && (wanted === undefined || value === wanted)) found.push(image);
  }
  return found;
}
