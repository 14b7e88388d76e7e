import type { Table } from "@slipway/core/config/table-reader";

/** Where a server listens, and whose its socket is. */
export interface SocketConfig {
  readonly address: string;
  readonly uid: number;
  readonly gid: number;
}

export interface GrpcConfig extends SocketConfig {
  readonly maxReceiveMessageBytes: number;
  readonly maxSendMessageBytes: number;
}

/** The gRPC server on TCP; it does not listen without an address. */
export interface TcpConfig {
  readonly address: string;
  readonly tlsCa: string;
  readonly tlsCert: string;
  readonly tlsKey: string;
}

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "panic";

/** containerd's config.toml, of whichever version, in the one form that the daemon works with. */
export interface DaemonConfig {
  readonly root: string;
  readonly state: string;
  /** Empty: the system's. */
  readonly temp: string;
  readonly oomScore: number;
  readonly grpc: GrpcConfig;
  readonly tcp: TcpConfig;
  readonly ttrpc: SocketConfig;
  /** `HOST:PORT`; nothing is served without one. */
  readonly metrics: { readonly address: string };
  readonly log: { readonly level: LogLevel; readonly format: "text" | "json" };
  readonly disabledPlugins: readonly string[];
  readonly requiredPlugins: readonly string[];
  /** By full name, such as `io.containerd.snapshotter.v1.overlayfs`. */
  readonly plugins: Readonly<Record<string, Table>>;
  /** In milliseconds, by containerd's name such as `io.containerd.timeout.shim.load`. */
  readonly timeouts: Readonly<Record<string, number>>;
}

/** The newest version of config.toml; older ones are read as well. */
export const newestVersion = 4;

export const defaultRoot = "/var/lib/slipway";
export const defaultState = "/run/slipway";
export const defaultAddress = "/run/slipway/slipway.sock";
export const defaultMessageBytes = 16 * 1024 * 1024;
