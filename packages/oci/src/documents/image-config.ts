import type { ImageConfig, ImageHistory, ImageProcessConfig } from "../image.ts";
import type { Platform } from "../platform.ts";
import { optional, readDigest } from "./descriptor.ts";
import { readHealthcheck } from "./healthcheck.ts";
import { type JsonField, parseJson } from "./json-field.ts";
import { platformFields } from "./platform.ts";
import { readTime } from "./time.ts";
import { withUnknown } from "./with-unknown.ts";

/**
 * Reads the configuration of an image: https://github.com/opencontainers/image-spec/blob/main/config.md
 * A document without a single field of it is one, as it is for containerd: an image of no platform without layers.
 *
 * @param document what messages call it
 * @throws {Fault} `invalid_argument`
 */
export function parseImageConfig(document: string, bytes: Uint8Array): ImageConfig {
  const field = parseJson(document, bytes);
  return withUnknown(field, {
    ...platformFields(field),
    rootfs: readRootfs(field.get("rootfs")),
    created: readTime(field.get("created")),
    author: field.get("author").text(),
    config: optional(field.get("config"), readProcess),
    history: optional(field.get("history"), (history) => history.list(readHistory)),
  });
}

/** What unpacking needs of a configuration. */
export type UnpackConfig = Platform & Pick<ImageConfig, "rootfs">;

/**
 * Reads of a configuration what unpacking needs; the rest may be wrong, as containerd's core/unpack has it.
 *
 * @param document what messages call it
 * @throws {Fault} `invalid_argument`
 */
export function parseUnpackConfig(document: string, bytes: Uint8Array): UnpackConfig {
  const field = parseJson(document, bytes);
  return withUnknown(field, { ...platformFields(field), rootfs: readRootfs(field.get("rootfs")) });
}

function readRootfs(field: JsonField): ImageConfig["rootfs"] {
  field.get("type").text();
  return { type: "layers", diff_ids: field.get("diff_ids").list(readDigest) };
}

function readProcess(field: JsonField): ImageProcessConfig {
  return withUnknown(field, {
    User: field.get("User").text(),
    ExposedPorts: optional(field.get("ExposedPorts"), readSet),
    Env: optional(field.get("Env"), (env) => env.texts()),
    Entrypoint: readWords(field.get("Entrypoint")),
    Cmd: readWords(field.get("Cmd")),
    Volumes: optional(field.get("Volumes"), readSet),
    WorkingDir: field.get("WorkingDir").text(),
    Labels: optional(field.get("Labels"), (labels) => labels.textRecord()),
    StopSignal: field.get("StopSignal").text(),
    Healthcheck: optional(field.get("Healthcheck"), readHealthcheck),
  });
}

/** Docker takes a text for a list of one. */
function readWords(field: JsonField): readonly string[] | undefined {
  return optional(field, () => (field.isText ? [field.text() ?? ""] : field.texts()));
}

/** Go's way to write a set: an object of empty objects. */
function readSet(field: JsonField): Record<string, object> {
  return field.record((value) => value.others([]));
}

function readHistory(field: JsonField): ImageHistory {
  return withUnknown(field, {
    created: readTime(field.get("created")),
    created_by: field.get("created_by").text(),
    author: field.get("author").text(),
    comment: field.get("comment").text(),
    empty_layer: field.get("empty_layer").boolean(),
  });
}
