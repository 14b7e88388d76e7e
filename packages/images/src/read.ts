import type { ContentProvider } from "@slipway/core/content";
import { Fault } from "@slipway/fault/fault";
import type { Digest } from "@slipway/oci/digest";

type Reader = Pick<ContentProvider, "read">;

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

/** Reads a JSON blob. */
export async function readJson<T>(content: Reader, digest: Digest): Promise<T> {
  return JSON.parse((await readBlob(content, digest)).toString()) as T;
}
