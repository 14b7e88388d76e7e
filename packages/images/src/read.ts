import type { ContentProvider } from "@slipway/core/content";
import { Fault } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import type { Digest } from "@slipway/oci/digest";
import { parseImageConfig, parseUnpackConfig, type UnpackConfig } from "@slipway/oci/documents/image-config";
import { parseIndex, parseManifest } from "@slipway/oci/documents/manifest";
import type { ImageConfig, Index, Manifest } from "@slipway/oci/image";

type Reader = Pick<ContentProvider, "read">;
type Target = Pick<Descriptor, "digest">;

/**
 * Reads a blob of bounded size: a manifest, an index, a config.
 * @throws {Fault} `resource_exhausted` above `maxBytes`
 */
export async function readBlob(content: Reader, digest: Digest, maxBytes = 8 * 1024 * 1024): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content.read(digest)) {
    size += chunk.length;
    if (size > maxBytes)
      throw new Fault("resource_exhausted", `Blob ${digest} is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/**
 * @param image the name of the image that it belongs to, for messages; empty if nobody knows
 * @throws {Fault} `not_found`, or `invalid_argument` which names the field that is wrong
 */
export async function readManifest(content: Reader, { digest }: Target, image = ""): Promise<Manifest> {
  return parseManifest(`manifest ${digest}${of(image)}`, await readBlob(content, digest));
}

/** @throws {Fault} `not_found`, or `invalid_argument` which names the field that is wrong */
export async function readIndex(content: Reader, { digest }: Target, image = ""): Promise<Index> {
  return parseIndex(`index ${digest}${of(image)}`, await readBlob(content, digest));
}

/** @throws {Fault} `not_found`, or `invalid_argument` which names the field that is wrong */
export async function readConfig(content: Reader, { digest }: Target, image = ""): Promise<ImageConfig> {
  return parseImageConfig(`image configuration ${digest}${of(image)}`, await readBlob(content, digest));
}

/**
 * Reads of an image's configuration what unpacking needs.
 * @throws {Fault} `not_found`, or `invalid_argument` which names the field that is wrong
 */
export async function readUnpackConfig(
  content: Reader,
  { digest }: Target,
  image = "",
): Promise<UnpackConfig> {
  return parseUnpackConfig(`image configuration ${digest}${of(image)}`, await readBlob(content, digest));
}

/** Whose document it is: a digest alone says nothing to a user. */
function of(image: string): string {
  return image === "" ? "" : ` of "${image}"`;
}
