import type { TableReader } from "@slipway/core/config/table-reader";
import { formatPlatform, hostPlatform, parsePlatform, type Platform } from "@slipway/oci/platform";

/** `[plugins."io.containerd.transfer.v1.local"]`, containerd's plugins/transfer/plugin.go, and what is ours. */
export interface TransferConfig {
  /** The layers of an image that are fetched at once. */
  readonly maxConcurrentDownloads: number;
  readonly maxConcurrentUploadedLayers: number;
  /** Roots of hosts.toml directories, for clients that name none. */
  readonly hostsDirectories: readonly string[];
  /** Of all pulls together, in bytes a second; 0 is no limit. Ours. */
  readonly downloadBytesPerSecond: number;
  /** Whether the blobs of layers are let go once they are unpacked: containerd's CRI has a key of that name. */
  readonly discardUnpackedLayers: boolean;
  /** The first is used when a client names no snapshotter. */
  readonly unpacks: readonly { readonly platform: Platform; readonly snapshotter: string }[];
}

/** @throws {Fault} `invalid_argument` naming the key */
export function parseTransferConfig(table: TableReader): TransferConfig {
  // containerd's: ranges and unpacks at once find their own measure here.
  table.ignore("concurrent_layer_fetch_buffer", "check_platform_supported", "max_concurrent_unpacks");
  return {
    maxConcurrentDownloads: table.integer("max_concurrent_downloads", 3, { least: 0 }) || 3,
    maxConcurrentUploadedLayers: table.integer("max_concurrent_uploaded_layers", 3, { least: 0 }) || 3,
    downloadBytesPerSecond: table.integer("download_bytes_per_second", 0, { least: 0 }),
    discardUnpackedLayers: table.boolean("discard_unpacked_layers", false),
    hostsDirectories: table.string("config_path", "").split(":").filter(Boolean),
    unpacks: table.tables("unpack_config").map(parseUnpack),
  };
}

function parseUnpack(table: TableReader): TransferConfig["unpacks"][number] {
  // The differ is the snapshotter's own choice, and layers of every type can be unpacked.
  table.ignore("differ", "config_type", "layer_types", "optional");
  return {
    platform: parsePlatform(table.string("platform", formatPlatform(hostPlatform()))),
    snapshotter: table.string("snapshotter", "overlayfs"),
  };
}
