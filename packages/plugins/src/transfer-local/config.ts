import { Fault } from "@slipway/fault/fault";
import { parsePlatform, type Platform } from "@slipway/oci/platform";

type Table = Readonly<Record<string, unknown>>;

/** `[plugins."io.containerd.transfer.v1.local"]`, containerd's plugins/transfer/plugin.go, and what is ours. */
export interface TransferConfig {
  /** The layers of an image that are fetched at once. */
  readonly maxConcurrentDownloads: number;
  readonly maxConcurrentUploadedLayers: number;
  /** Roots of hosts.toml directories, for clients that name none. */
  readonly hostsDirectories: readonly string[];
  /** Of all pulls together, in bytes a second; 0 is no limit. Ours. */
  readonly downloadBytesPerSecond: number;
  /** The first is used when a client names no snapshotter. */
  readonly unpacks: readonly { readonly platform: Platform; readonly snapshotter: string }[];
}

/** @throws {Fault} `invalid_argument` naming the key */
export function parseTransferConfig(table: Table): TransferConfig {
  const unpacks = table["unpack_config"];
  const path = table["config_path"] ?? "";
  if (typeof path !== "string") throw new Fault("invalid_argument", "config_path: must be a string");
  return {
    maxConcurrentDownloads: numberAt(table, "max_concurrent_downloads", 3, 1),
    maxConcurrentUploadedLayers: numberAt(table, "max_concurrent_uploaded_layers", 3, 1),
    downloadBytesPerSecond: numberAt(table, "download_bytes_per_second", 0, 0),
    hostsDirectories: path.split(":").filter(Boolean),
    unpacks: Array.isArray(unpacks) ? unpacks.map((one) => parseUnpack(one as Table)) : [],
  };
}

function numberAt(table: Table, key: string, preset: number, least: number): number {
  const value = Number(table[key] ?? preset);
  if (Number.isInteger(value)) return value < least ? preset : value;
  throw new Fault("invalid_argument", `${key}: must be a number`);
}

function parseUnpack({ platform, snapshotter }: Table): TransferConfig["unpacks"][number] {
  if (typeof platform === "string" && typeof snapshotter === "string") {
    return { platform: parsePlatform(platform), snapshotter };
  }
  throw new Fault("invalid_argument", "unpack_config: needs platform and snapshotter");
}
