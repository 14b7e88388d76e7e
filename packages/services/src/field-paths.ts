import type { FieldMask } from "@bufbuild/protobuf/wkt";

/** The paths of a field mask; nothing when there is none, which means "replace everything". */
export function fieldPathsOf(mask: FieldMask | undefined): readonly string[] | undefined {
  return mask !== undefined && mask.paths.length > 0 ? mask.paths : undefined;
}
