/** The media types of the field: OCI's and Docker's. Defined by image-spec's media-types.md and containerd's core/images/mediatypes.go. */
export const mediaTypes = {
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  ociLayer: "application/vnd.oci.image.layer.v1.tar",
  ociLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  ociLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar",
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  dockerLayerZstd: "application/vnd.docker.image.rootfs.diff.tar.zstd",
  dockerForeignLayer: "application/vnd.docker.image.rootfs.foreign.diff.tar",
  dockerForeignLayerGzip: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  erofsLayer: "application/vnd.erofs.layer.v1",
} as const;

export function isIndex(mediaType: string): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerList;
}

export function isManifest(mediaType: string): boolean {
  return mediaType === mediaTypes.ociManifest || mediaType === mediaTypes.dockerManifest;
}

export function isConfig(mediaType: string): boolean {
  return mediaType === mediaTypes.ociConfig || mediaType === mediaTypes.dockerConfig;
}

const dockerLayers: ReadonlySet<string> = new Set([
  mediaTypes.dockerLayer,
  mediaTypes.dockerLayerGzip,
  mediaTypes.dockerLayerZstd,
  mediaTypes.dockerForeignLayer,
  mediaTypes.dockerForeignLayerGzip,
]);

/** Whether a blob is a layer of a file system, whatever it is wrapped in: containerd's images.IsLayerType. */
export function isLayer(mediaType: string): boolean {
  if (mediaType.startsWith("application/vnd.oci.image.layer.") || mediaType === mediaTypes.erofsLayer)
    return true;
  return dockerLayers.has(mediaType.split("+", 1)[0] ?? "");
}

/** How a layer's tar is compressed. */
export type Compression = "none" | "gzip" | "zstd";

/** What the media type says of the compression. Docker's plain layer type is used for gzip, too: look at the bytes. */
export function compressionOf(mediaType: string): Compression | undefined {
  if (/[.+]gzip$/.test(mediaType)) return "gzip";
  if (/[.+]zstd$/.test(mediaType)) return "zstd";
  return mediaType.endsWith(".tar") || mediaType.endsWith("layer.v1.tar") ? "none" : undefined;
}
