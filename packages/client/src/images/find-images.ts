import type { ContentProvider } from "@slipway/core/content";
import type { Image, ImageStore } from "@slipway/core/images";
import { Fault, hasCode } from "@slipway/fault/fault";
import { hexOf } from "@slipway/oci/digest";
import { canonicalName, parseFamiliarReference, type Reference } from "@slipway/oci/reference";
import { findPart } from "./find-part.ts";

/** Where images are looked for: a Client has them. */
export interface ImageLookup {
  readonly images: Pick<ImageStore, "get" | "list">;
  readonly content: Pick<ContentProvider, "read">;
}

/**
 * The images that a user's text means: several only if they are names of the same target.
 *
 * - A name as it is stored, or in Docker's short form. The former comes first, so that what another client stored under an
 *   odd name can be reached.
 * - A name with a digest: what is stored in that repository with that digest. The tag is ignored unless it chooses among them.
 * - An id: the digest of a target or its beginning, with or without `sha256:`.
 *
 * A digest may also be one inside an image: of a manifest of its index, or of a config. The image then has that manifest as
 * its target.
 * @throws {Fault} `not_found`; `invalid_argument` if an id is the beginning of several
 */
export async function findImages(stores: ImageLookup, text: string): Promise<Image[]> {
  const reference = parseOrUndefined(text);
  const named = await byName(stores, text, reference && canonicalName(text));
  // A stored name with a digest may be one of several that are meant.
  if (named && (named.name === text || reference?.digest === undefined)) return [named];
  const found =
    reference?.digest === undefined ? await byId(stores, text) : await byDigest(stores, reference);
  if (found.length === 0) throw new Fault("not_found", `no such image: ${text}`);
  return found;
}

/** The first one of findImages. */
export async function findImage(stores: ImageLookup, text: string): Promise<Image> {
  const [image] = await findImages(stores, text);
  if (!image) throw new Fault("not_found", `no such image: ${text}`);
  return image;
}

async function byName(
  { images }: ImageLookup,
  text: string,
  name: string | undefined,
): Promise<Image | undefined> {
  const names = new Set(name === undefined ? [text] : [text, name]);
  const found = await Promise.all([...names].map((one) => getOrUndefined(images, one)));
  return found.find((image) => image !== undefined);
}

async function byDigest(stores: ImageLookup, reference: Reference): Promise<Image[]> {
  const { digest, tag } = reference;
  const whole = await stores.images.list([`target.digest==${digest}`]);
  const same = whole.filter(({ name }) => isOfRepository(name, reference));
  if (same.length === 0) {
    const others = (await stores.images.list()).filter(({ name }) => isOfRepository(name, reference));
    return await parts(stores, others, (one) => one === digest);
  }
  const tagged = same.filter(({ name }) => parseOrUndefined(name)?.tag === tag);
  return tag !== undefined && tagged.length > 0 ? tagged : same;
}

async function byId(stores: ImageLookup, text: string): Promise<Image[]> {
  const hex = /^(?:sha256:)?(?<hex>[a-f0-9]{1,64})$/.exec(text)?.groups?.["hex"];
  if (hex === undefined) return [];
  const images = await stores.images.list([`target.digest~=^sha256:${hex}`]);
  const found =
    images.length > 0
      ? images
      : await parts(stores, await stores.images.list(), (one) => hexOf(one).startsWith(hex));
  if (new Set(found.map(({ target }) => target.digest)).size <= 1) return found;
  throw new Fault("invalid_argument", `several images have an id that begins with "${text}"`);
}

/** Reads what images lead to: only for a digest that is no image's own. */
async function parts(
  { content }: ImageLookup,
  images: readonly Image[],
  isWanted: Parameters<typeof findPart>[2],
): Promise<Image[]> {
  const found: Image[] = [];
  for (const image of images) {
    const target = await findPart(content, image.target, isWanted);
    if (target) found.push({ ...image, target });
  }
  return found;
}

function isOfRepository(name: string, { host, repository }: Reference): boolean {
  const own = parseOrUndefined(name);
  return own?.host === host && own.repository === repository;
}

function parseOrUndefined(text: string): Reference | undefined {
  try {
    return parseFamiliarReference(text);
  } catch {
    return undefined;
  }
}

async function getOrUndefined(images: ImageLookup["images"], name: string): Promise<Image | undefined> {
  try {
    return await images.get(name);
  } catch (error) {
    // A store may refuse what can be no name: the empty one.
    if (hasCode(error, "not_found", "invalid_argument")) return undefined;
    throw error;
  }
}
