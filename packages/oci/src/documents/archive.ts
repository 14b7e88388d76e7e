import { parseJson } from "./json-field.ts";

/** An image of an archive that `docker save` made, in its own words. */
export interface DockerArchiveImage {
  /** The file of its configuration. */
  readonly Config: string;
  readonly RepoTags: readonly string[];
  /** The files of its layers, lowest first. */
  readonly Layers: readonly string[];
}

/** The most that such a file may have, as containerd's core/images/archive/importer.go has it. */
export const maxArchiveJsonBytes = 20 * 1024 * 1024;
const options = { maxBytes: maxArchiveJsonBytes };

/**
 * Reads `manifest.json` of an archive that `docker save` made.
 * @throws {Fault} `invalid_argument`
 */
export function parseDockerArchive(bytes: Uint8Array): DockerArchiveImage[] {
  return parseJson('"manifest.json"', bytes, options)
    .required()
    .list((image) => ({
      Config: image.get("Config").required().text() ?? "",
      RepoTags: image.get("RepoTags").texts(),
      Layers: image.get("Layers").texts(),
    }));
}

/**
 * Reads `oci-layout`: https://github.com/opencontainers/image-spec/blob/main/image-layout.md#oci-layout-file
 * @returns the version of the layout; undefined if it says none
 * @throws {Fault} `invalid_argument`
 */
export function parseLayoutVersion(bytes: Uint8Array): string | undefined {
  return parseJson('"oci-layout"', bytes, options).get("imageLayoutVersion").text() || undefined;
}
