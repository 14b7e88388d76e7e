import { asTable, type Table } from "@slipway/core/config/table-reader";

/** The short names of version 1. Names that are not here were gRPC services'. */
const fullNames: Readonly<Record<string, string>> = {
  cri: "io.containerd.grpc.v1.cri",
  cgroups: "io.containerd.monitor.v1.cgroups",
  linux: "io.containerd.runtime.v1.linux",
  scheduler: "io.containerd.gc.v1.scheduler",
  bolt: "io.containerd.metadata.v1.bolt",
  task: "io.containerd.runtime.v2.task",
  opt: "io.containerd.internal.v1.opt",
  restart: "io.containerd.internal.v1.restart",
  aufs: "io.containerd.snapshotter.v1.aufs",
  btrfs: "io.containerd.snapshotter.v1.btrfs",
  devmapper: "io.containerd.snapshotter.v1.devmapper",
  native: "io.containerd.snapshotter.v1.native",
  overlayfs: "io.containerd.snapshotter.v1.overlayfs",
  zfs: "io.containerd.snapshotter.v1.zfs",
};

/**
 * Brings the tables of any version to those of version 4: full plugin names (since 2) and servers as plugins (since 4).
 * Values are not looked at.
 */
export function migrate(tables: Table, version: number): Table {
  let migrated: Table = tables;
  if (version < 2) migrated = withFullNames(migrated);
  if (version < 4) migrated = withMovedPlugins(withServerPlugins(migrated));
  return { ...migrated, version: 4 };
}

function withFullNames(tables: Table): Table {
  const renamed = (key: string): Table =>
    tables[key] === undefined ? {} : { [key]: asNames(tables[key]).map((name) => fullName(name)) };
  const plugins = Object.entries(asTable(tables["plugins"])).map(([name, table]) => [fullName(name), table]);
  return {
    ...tables,
    plugins: Object.fromEntries(plugins),
    ...renamed("disabled_plugins"),
    ...renamed("required_plugins"),
  };
}

function fullName(name: string): string {
  if (name.includes(".")) return name;
  return (
    fullNames[name] ??
    (name.endsWith("-service") ? `io.containerd.service.v1.${name}` : `io.containerd.grpc.v1.${name}`)
  );
}

function withServerPlugins(tables: Table): Table {
  const { grpc, ttrpc, metrics, ...rest } = tables;
  const debug = asTable(tables["debug"]);
  const { tcp, unix } = splitGrpc(asTable(grpc));
  const found: Record<string, Table> = {
    "io.containerd.server.v1.grpc": unix,
    "io.containerd.server.v1.grpc-tcp": tcp,
    "io.containerd.server.v1.ttrpc": ttrpcTable(unix, asTable(ttrpc)),
    "io.containerd.server.v1.metrics": pick(asTable(metrics), ["address"]),
    "io.containerd.metrics.v1.grpc-prometheus": pick(asTable(metrics), ["grpc_histogram"]),
    "io.containerd.server.v1.debug": pick(debug, ["address", "uid", "gid"]),
  };
  const servers = Object.fromEntries(
    Object.entries(found).filter(([, table]) => Object.keys(table).length > 0),
  );
  return {
    ...rest,
    ...(tables["debug"] === undefined ? {} : { debug: omit(debug, ["address", "uid", "gid"]) }),
    plugins: { ...servers, ...asTable(tables["plugins"]) },
  };
}

/** Plugins whose type is another one since. */
const moved: Readonly<Record<string, string>> = {
  "io.containerd.internal.v1.restart": "io.containerd.monitor.container.v1.restart",
};

function withMovedPlugins(tables: Table): Table {
  const plugins = Object.entries(asTable(tables["plugins"])).map(([name, table]) => [
    moved[name] ?? name,
    table,
  ]);
  return { ...tables, plugins: Object.fromEntries(plugins) };
}

const tcpPrefix = "tcp_";

function splitGrpc(grpc: Table): { unix: Table; tcp: Table } {
  const unix: Record<string, unknown> = {};
  const tcp: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(grpc)) {
    if (!key.startsWith(tcpPrefix)) unix[key] = value;
    else if (value !== "") tcp[key.slice(tcpPrefix.length)] = value;
  }
  return { unix, tcp };
}

/** Without an address of its own, ttrpc listens beside gRPC and belongs to the same owner. */
function ttrpcTable(grpc: Table, ttrpc: Table): Table {
  const { address } = grpc;
  if (ttrpc["address"] || typeof address !== "string" || address === "") return ttrpc;
  return {
    address: `${address}.ttrpc`,
    uid: ttrpc["uid"] || grpc["uid"] || 0,
    gid: ttrpc["gid"] || grpc["gid"] || 0,
  };
}

function pick(table: Table, keys: readonly string[]): Table {
  return Object.fromEntries(
    Object.entries(table).filter(([key, value]) => keys.includes(key) && value !== ""),
  );
}

function omit(table: Table, keys: readonly string[]): Table {
  return Object.fromEntries(Object.entries(table).filter(([key]) => !keys.includes(key)));
}

function asNames(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
