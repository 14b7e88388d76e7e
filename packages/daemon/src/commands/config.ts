import { Fault } from "@slipway/fault/fault";
import { stringify } from "smol-toml";
import { newestVersion, type DaemonConfig, type Table } from "../config/config.ts";
import { loadTables } from "../config/load.ts";
import { readConfig } from "../config/read.ts";
import type { Flags } from "../flags.ts";

/** `slipwayd config default|dump|check|migrate`. @returns what is printed */
export async function configCommand(
  args: readonly string[],
  flags: Flags,
  file: string | undefined,
): Promise<string> {
  const tables = (): Table => (file === undefined ? {} : loadTables(file));
  switch (args[0]) {
    case "default":
      return stringify(toTables(readConfig({}).config));
    case "dump": {
      const { config } = readConfig(tables(), flags.overrides);
      return stringify(toTables(config));
    }
    case "migrate":
      return stringify({ ...tables(), version: newestVersion });
    case "check": {
      const { warnings } = readConfig(tables(), flags.overrides);
      return [...warnings, `${file ?? "the default configuration"}: ok`].join("\n");
    }
    case undefined:
    default:
      throw new Fault(
        "invalid_argument",
        `Cannot run "config ${args[0] ?? ""}": expected default, dump, check or migrate`,
      );
  }
}

/** The configuration as tables of the newest version. */
function toTables(config: DaemonConfig): Record<string, unknown> {
  const { grpc, tcp, ttrpc } = config;
  const tls = { tls_ca: tcp.tlsCa, tls_cert: tcp.tlsCert, tls_key: tcp.tlsKey };
  return {
    version: newestVersion,
    root: config.root,
    state: config.state,
    temp: config.temp,
    oom_score: config.oomScore,
    disabled_plugins: config.disabledPlugins,
    required_plugins: config.requiredPlugins,
    debug: config.log,
    plugins: {
      ...config.plugins,
      "io.containerd.server.v1.grpc": {
        address: grpc.address,
        uid: grpc.uid,
        gid: grpc.gid,
        max_recv_message_size: grpc.maxReceiveMessageBytes,
        max_send_message_size: grpc.maxSendMessageBytes,
      },
      "io.containerd.server.v1.ttrpc": ttrpc,
      ...(tcp.address === "" ? {} : { "io.containerd.server.v1.grpc-tcp": { address: tcp.address, ...tls } }),
    },
    timeouts: Object.fromEntries(Object.entries(config.timeouts).map(([name, ms]) => [name, `${ms}ms`])),
    proxy_plugins: config.proxyPlugins,
  };
}
