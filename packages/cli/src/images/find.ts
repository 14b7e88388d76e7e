import type { Client } from "@slipway/client/client";
import type { Image } from "@slipway/core/images";
import { Fault } from "@slipway/fault/fault";
import { hexOf } from "@slipway/oci/digest";
import { formatReference, parseFamiliarReference } from "@slipway/oci/reference";

/**
 * The images that a name, a digest, or the beginning of an id means: several only when they are names of one target.
 * @throws {Fault} `not_found`, `invalid_argument` when several targets begin so
 */
export async function findImages(client: Client, text: string): Promise<Image[]> {
  const images = await client.images.list();
  const name = nameOf(text);
  const exact = images.filter((image) => image.name === text || image.name === name);
  if (exact.length > 0) return exact;
  const hex = text.replace(/^sha256:/, "");
  const found = /^[a-f0-9]+$/.test(hex)
    ? images.filter(({ target }) => hexOf(target.digest).startsWith(hex))
    : [];
  if (found.length === 0) throw new Fault("not_found", `no such image: ${text}`);
  if (new Set(found.map(({ target }) => target.digest)).size > 1) {
    throw new Fault("invalid_argument", `several images have an id that begins with "${text}"`);
  }
  return found;
}

function nameOf(text: string): string | undefined {
  try {
    return formatReference(parseFamiliarReference(text));
  } catch {
    return undefined;
  }
}
