import { Fault, messageOf } from "@slipway/fault/fault";
import type { Descriptor } from "../descriptor.ts";
import { type Digest, parseDigest } from "../digest.ts";
import type { JsonField } from "./json-field.ts";
import { quoted } from "./quoted.ts";
import { readPlatform } from "./platform.ts";
import { withUnknown } from "./with-unknown.ts";

/**
 * Reads what points to a blob: https://github.com/opencontainers/image-spec/blob/main/descriptor.md
 * A size that is missing is 0, as it is for Go; a blob that has bytes then fails its verification.
 */
export function readDescriptor(field: JsonField): Descriptor {
  return withUnknown(field.required(), {
    mediaType: field.get("mediaType").text() ?? "",
    digest: readDigest(field.get("digest")),
    size: field.get("size").integer({ min: 0 }) ?? 0,
    annotations: optional(field.get("annotations"), (annotations) => annotations.textRecord()),
    platform: readPlatform(field.get("platform")),
    urls: optional(field.get("urls"), (urls) => urls.texts()),
    artifactType: field.get("artifactType").text(),
    data: field.get("data").text(),
  });
}

/** Reads a digest, which must be there and well formed. */
export function readDigest(field: JsonField): Digest {
  const text = field.required().text() ?? "";
  try {
    return parseDigest(text);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    throw field.refuse(`is ${quoted(text)}: ${messageOf(error)}`);
  }
}

/** Reads a field that may be missing or null. */
export function optional<T>(field: JsonField, read: (field: JsonField) => T): T | undefined {
  return field.isMissing ? undefined : read(field);
}
