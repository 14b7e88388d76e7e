import type { Platform } from "../platform.ts";
import type { JsonField } from "./json-field.ts";
import { withUnknown } from "./with-unknown.ts";

/** Reads a platform as an index has it; undefined if it is missing or null. */
export function readPlatform(field: JsonField): Platform | undefined {
  return field.isMissing ? undefined : withUnknown(field, platformFields(field));
}

interface PlatformFields {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string | undefined;
  readonly "os.version": string | undefined;
  readonly "os.features": readonly string[] | undefined;
}

/** The fields of a platform, which the configuration of an image has at its top. A missing text is empty, as for Go. */
export function platformFields(field: JsonField): PlatformFields {
  const features = field.get("os.features");
  return {
    os: field.get("os").text() ?? "",
    architecture: field.get("architecture").text() ?? "",
    variant: field.get("variant").text(),
    "os.version": field.get("os.version").text(),
    "os.features": features.isMissing ? undefined : features.texts(),
  };
}
