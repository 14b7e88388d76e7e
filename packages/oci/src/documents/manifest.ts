import type { Index, Manifest } from "../image.ts";
import { isIndex, isManifest } from "../media-types.ts";
import { optional, readDescriptor } from "./descriptor.ts";
import { type JsonField, parseJson } from "./json-field.ts";
import { withUnknown } from "./with-unknown.ts";

/**
 * Reads the manifest of an image or an artifact, the OCI's or Docker's.
 * https://github.com/opencontainers/image-spec/blob/main/manifest.md
 *
 * @param document what messages call it
 * @throws {Fault} `invalid_argument` when it is none; an index or a manifest of schema 1 is none, whatever it calls itself
 */
export function parseManifest(document: string, bytes: Uint8Array): Manifest {
  const field = parseJson(document, bytes);
  refuseSchema1(field);
  if (field.has("manifests") || isIndex(field.get("mediaType").text() ?? "")) {
    throw field.refuse("is an index, not a manifest");
  }
  return withUnknown(field, {
    ...commonFields(field),
    config: readDescriptor(field.get("config")),
    layers: field.get("layers").list(readDescriptor),
  });
}

/**
 * Reads an index, or Docker's manifest list.
 * https://github.com/opencontainers/image-spec/blob/main/image-index.md
 *
 * @param document what messages call it
 * @throws {Fault} `invalid_argument` when it is none; a manifest is none, whatever it calls itself
 */
export function parseIndex(document: string, bytes: Uint8Array): Index {
  const field = parseJson(document, bytes);
  refuseSchema1(field);
  if (field.has("config") || field.has("layers") || isManifest(field.get("mediaType").text() ?? "")) {
    throw field.refuse("is a manifest, not an index");
  }
  return withUnknown(field, {
    ...commonFields(field),
    manifests: field.get("manifests").list(readDescriptor),
  });
}

interface CommonFields {
  readonly schemaVersion: 2;
  readonly mediaType: string | undefined;
  readonly artifactType: string | undefined;
  readonly subject: Manifest["subject"] | undefined;
  readonly annotations: Record<string, string> | undefined;
}

function commonFields(field: JsonField): CommonFields {
  // containerd does not look at the number either: schema 1 is known by its fields.
  field.get("schemaVersion").integer();
  return {
    schemaVersion: 2,
    mediaType: field.get("mediaType").text(),
    artifactType: field.get("artifactType").text(),
    subject: optional(field.get("subject"), readDescriptor),
    annotations: optional(field.get("annotations"), (annotations) => annotations.textRecord()),
  };
}

/** What containerd checks before it believes a media type: validateMediaType of core/images/image.go. */
function refuseSchema1(field: JsonField): void {
  if (field.has("fsLayers")) throw field.refuse("is a manifest of schema 1, which is not supported");
}
