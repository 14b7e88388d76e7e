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

/** @throws {Fault} `not_found`, or `invalid_argument` which names the field that is wrong */
export async function readManifest(content: Reader, { digest }: Target): Promise<Manifest> {
  return parseManifest(`manifest ${digest}`, await readBlob(content, digest));
}

/** @throws {Fault} `not_found`, or `invalid_argument` which names the field that is wrong */
export async function readIndex(content: Reader, { digest }: Target): Promise<Index> {
  return parseIndex(`index ${digest}`, await readBlob(content, digest));
}

/** @throws {Fault} `not_found`, or `invalid_argument` which names the field that is wrong */
export async function readConfig(content: Reader, { digest }: Target): Promise<ImageConfig> {
  return parseImageConfig(`image configuration ${digest}`, await readBlob(content, digest));
}

/**
 * Reads of an image's configuration what unpacking needs.
 * @throws {Fault} `not_found`, or `invalid_argument` which names the field that is wrong
 */
export async function readUnpackConfig(content: Reader, { digest }: Target): Promise<UnpackConfig> {
  return parseUnpackConfig(`image configuration ${digest}`, await readBlob(content, digest));
}
