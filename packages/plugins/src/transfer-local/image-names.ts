import type { Image, ImageStore } from "@slipway/core/images";
import type { Labels } from "@slipway/core/labels";
import type { ImageReference, ImageStoreEnd } from "@slipway/core/transfer";
import { Fault } from "@slipway/fault/fault";
import { imageNameAnnotation, refNameAnnotation } from "@slipway/images/archive/annotations";
import { storeImage } from "@slipway/images/store-image";
import type { Descriptor } from "@slipway/oci/descriptor";

/** Stores a target under the names that the client gave. @throws {Fault} `not_found` when there are none */
export async function storeImages(
  images: ImageStore,
  to: ImageStoreEnd,
  target: Descriptor,
): Promise<Image[]> {
  const named: [string, Labels][] = to.name === "" ? [] : [[to.name, to.labels]];
  for (const { name, isPrefix, addDigest } of to.extraReferences) {
    if (isPrefix && !addDigest) continue;
    named.push([addDigest ? `${name}@${target.digest}` : name, extraLabels(to)]);
  }
  return await storeAll(images, named, target);
}

/** Stores what an archive named, by the client's rules for names. @throws {Fault} `not_found` when none applies */
export async function storeNamed(
  images: ImageStore,
  to: ImageStoreEnd,
  target: Descriptor,
): Promise<Image[]> {
  return await storeAll(images, archiveNames(to, target), target);
}

/** The names of a descriptor from an archive's index: containerd's core/transfer/image, Store. */
export function archiveNames(to: ImageStoreEnd, target: Descriptor): [string, Labels][] {
  return to.extraReferences
    .filter(({ isPrefix }) => isPrefix)
    .flatMap((reference): [string, Labels][] => {
      const { name: prefix, addDigest, skipNamedDigest } = reference;
      const name = nameOf(target.annotations ?? {}, reference);
      const named = name === "" ? [] : [name];
      const digested = addDigest && (name === "" || !skipNamedDigest) ? [`${prefix}@${target.digest}`] : [];
      return [...named, ...digested].map((one) => [one, extraLabels(to)]);
    });
}

async function storeAll(
  images: ImageStore,
  named: readonly (readonly [string, Labels])[],
  target: Descriptor,
): Promise<Image[]> {
  if (named.length === 0) throw new Fault("not_found", "no image name found: not found");
  const stored: Image[] = [];
  for (const [name, labels] of named) stored.push(await storeImage(images, { name, labels, target }));
  return stored;
}

/** Further names live no longer than the first one. */
function extraLabels({ name, labels }: ImageStoreEnd): Labels {
  if (name === "") return labels;
  const now = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  return { ...labels, "containerd.io/gc.bref.image": name, "containerd.io/gc.expire": now };
}

function nameOf(annotations: Readonly<Record<string, string>>, reference: ImageReference): string {
  const full = annotations[imageNameAnnotation] ?? "";
  // A whole name is taken as it is, or not at all.
  if (full !== "") return translate(full, reference) === full ? full : "";
  const short = annotations[refNameAnnotation] ?? "";
  return short === "" ? "" : translate(short, reference);
}

/** A tag alone gets the prefix before it; a whole name must have it, unless it may be any. */
function translate(name: string, { name: prefix, allowOverwrite }: ImageReference): string {
  if (prefix === "") return "";
  if (!/[/:@]/.test(name)) return `${prefix}:${name}`;
  const rest = name.startsWith(prefix) ? name.slice(prefix.length) : undefined;
  return allowOverwrite || rest === "" || /^[/:@]/.test(rest ?? "") ? name : "";
}
