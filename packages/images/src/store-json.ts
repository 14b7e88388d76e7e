import type { ContentStore } from "@slipway/core/content";
import type { Labels } from "@slipway/core/labels";
import { hasCode } from "@slipway/fault/fault";
import type { Descriptor } from "@slipway/oci/descriptor";
import { digestOf } from "@slipway/oci/digest";
import { addLabels } from "./fetch-blob.ts";

/** Stores a manifest, an index or a configuration that was made here. One that is there gets the labels as well. */
export async function storeJson(
  content: ContentStore,
  mediaType: string,
  value: object,
  labels: Labels,
): Promise<Pick<Descriptor, "mediaType" | "digest" | "size">> {
  const bytes = Buffer.from(JSON.stringify(value));
  const [digest, total] = [digestOf(bytes), bytes.length];
  try {
    await using writer = await content.writer(`json-${digest}`, { total, expected: digest });
    await writer.truncate(0);
    await writer.write(bytes);
    await writer.commit({ total, expected: digest, labels });
  } catch (error) {
    if (!hasCode(error, "already_exists")) throw error;
    await addLabels(content, digest, () => labels);
  }
  return { mediaType, digest, size: total };
}
