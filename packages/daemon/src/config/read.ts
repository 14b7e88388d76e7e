import { Fault } from "@slipway/fault/fault";
import {
  defaultAddress,
  defaultMessageBytes,
  defaultRoot,
  defaultState,
  type DaemonConfig,
  type GrpcConfig,
  type LogLevel,
  type SocketConfig,
  type TcpConfig,
} from "./config.ts";
import { parseDuration } from "@slipway/core/config/duration";
import { type Table, TableReader } from "@slipway/core/config/table-reader";

const server = "io.containerd.server.v1";

/** What the command line says; it wins over the file. */
export interface Overrides {
  readonly root?: string;
  readonly state?: string;
  readonly address?: string;
  readonly level?: string;
}

/**
 * Reads tables of the newest version.
 * @returns the configuration, and a warning for every key that is not known or has no effect
 * @throws {Fault} `invalid_argument` naming the key
 */
export function readConfig(
  tables: Table,
  overrides: Overrides = {},
): { config: DaemonConfig; warnings: string[] } {
  const top = new TableReader(tables, "");
  // The servers' tables have been moved to their plugins'.
  top.ignore("version", "imports", "grpc", "ttrpc", "metrics");
  top.unsupported("plugin_dir", "cgroup", "stream_processors", "proxy_plugins");
  const debug = new TableReader(top.table("debug"), "debug");
  debug.unsupported("log_trace_id");
  const plugins = pluginTables(top.table("plugins"));
  const warnings: string[] = [];
  const checked = <T>(id: string, read: (table: TableReader) => T): T => {
    const reader = new TableReader(plugins[`${server}.${id}`], `plugins."${server}.${id}"`);
    const value = read(reader);
    warnings.push(...reader.warnings());
    return value;
  };
  const grpc = checked("grpc", (table) => readGrpc(table, overrides.address));
  const config: DaemonConfig = {
    root: overrides.root ?? top.string("root", defaultRoot),
    state: overrides.state ?? top.string("state", defaultState),
    temp: top.string("temp", ""),
    oomScore: top.number("oom_score", 0),
    grpc,
    tcp: checked("grpc-tcp", readTcp),
    metrics: checked("metrics", (table) => ({ address: table.string("address", "") })),
    ttrpc: checked("ttrpc", (table) => readTtrpc(table, grpc, overrides.address)),
    log: { level: levelOf(overrides.level ?? debug.string("level", "")), format: formatOf(debug) },
    disabledPlugins: pluginNames(top, "disabled_plugins"),
    requiredPlugins: pluginNames(top, "required_plugins"),
    plugins,
    timeouts: readTimeouts(top.table("timeouts")),
  };
  top.ignore("root", "state");
  warnings.unshift(...top.warnings(), ...debug.warnings());
  if (config.root === config.state) {
    throw new Fault("invalid_argument", `Cannot start: root and state are the same folder, "${config.root}"`);
  }
  return { config, warnings };
}

function readGrpc(table: TableReader, address: string | undefined): GrpcConfig {
  const configured = table.string("address", "") || defaultAddress;
  return {
    address: address ?? configured,
    uid: table.number("uid", 0),
    gid: table.number("gid", 0),
    maxReceiveMessageBytes: table.number("max_recv_message_size", 0) || defaultMessageBytes,
    maxSendMessageBytes: table.number("max_send_message_size", 0) || defaultMessageBytes,
  };
}

/** An address on the command line moves both sockets: a second daemon must not take the first one's. */
function readTtrpc(table: TableReader, grpc: GrpcConfig, address: string | undefined): SocketConfig {
  const configured = table.string("address", "");
  return {
    address: address !== undefined || configured === "" ? `${grpc.address}.ttrpc` : configured,
    uid: table.number("uid", grpc.uid),
    gid: table.number("gid", grpc.gid),
  };
}

function readTcp(table: TableReader): TcpConfig {
  // Messages have the limits of the other server, and the common name is for Windows' store of certificates.
  table.ignore("max_recv_message_size", "max_send_message_size", "tls_common_name");
  return {
    address: table.string("address", ""),
    tlsCa: table.string("tls_ca", ""),
    tlsCert: table.string("tls_cert", ""),
    tlsKey: table.string("tls_key", ""),
  };
}

const levels: readonly string[] = ["trace", "debug", "info", "warn", "error", "fatal", "panic"];

function levelOf(text: string): LogLevel {
  if (text === "") return "info";
  if (levels.includes(text)) return text as LogLevel;
  throw new Fault("invalid_argument", `Cannot log at level "${text}": expected one of ${levels.join(", ")}`);
}

function formatOf(debug: TableReader): "text" | "json" {
  const format = debug.string("format", "");
  if (format === "" || format === "text") return "text";
  if (format === "json") return "json";
  throw new Fault(
    "invalid_argument",
    `Cannot read "debug.format": expected "text" or "json", got "${format}"`,
  );
}

function pluginTables(tables: Table): Record<string, Table> {
  return Object.fromEntries(
    Object.keys(tables).map((name) => [name, new TableReader(tables, "plugins").table(name)]),
  );
}

function pluginNames(top: TableReader, key: string): readonly string[] {
  const names = top.strings(key);
  const short = names.find((name) => !name.includes("."));
  if (short === undefined) return names;
  throw new Fault(
    "invalid_argument",
    `Cannot read "${key}": expected a name such as io.containerd.x.vx.id, got "${short}"`,
  );
}

function readTimeouts(table: Table): Record<string, number> {
  const reader = new TableReader(table, "timeouts");
  return Object.fromEntries(Object.keys(table).map((name) => [name, parseDuration(reader.string(name, ""))]));
}
