import { Fault } from "@slipway/fault/fault";
import type { Table } from "@slipway/core/config/table-reader";
import type { Plugin } from "@slipway/core/plugin";
import { stringify } from "smol-toml";
import { newestVersion, type DaemonConfig } from "../config/config.ts";
import { loadTables } from "../config/load.ts";
import { readConfig } from "../config/read.ts";
import { readPluginTables } from "../config/plugin-tables.ts";
import type { Flags } from "../flags.ts";

/** `slipwayd config default|dump|check|migrate`. @returns what is printed */
export async function configCommand(
  args: readonly string[],
  flags: Flags,
  file: string | undefined,
): Promise<string> {
  const tables = (): Table => (file === undefined ? {} : loadTables(file));
  const everything = async (given: Table, overrides?: Flags["overrides"]): Promise<Whole> => {
    const { config, warnings } = readConfig(given, overrides);
    const read = readPluginTables(await allPlugins(config), config);
    return { tables: toTables(config, read.effective), problems: [...warnings, ...read.problems] };
  };
  switch (args[0]) {
    case "default":
      return stringify((await everything({})).tables);
    case "dump":
      return stringify((await everything(tables(), flags.overrides)).tables);
    case "migrate":
      return stringify({ ...tables(), version: newestVersion });
    case "check": {
      const { problems } = await everything(tables(), flags.overrides);
      const name = file ?? "the default configuration";
      if (problems.length === 0) return `${name}: ok`;
      throw new Fault("invalid_argument", [`${name} has problems:`, ...problems].join("\n  "));
    }
    case undefined:
    default:
      throw new Fault(
        "invalid_argument",
        `Cannot run "config ${args[0] ?? ""}": expected default, dump, check or migrate`,
      );
  }
}

interface Whole {
  readonly tables: Record<string, unknown>;
  /** What a daemon would warn of, or what would keep a plugin from starting. */
  readonly problems: readonly string[];
}

/** Every plugin that a daemon would have. They are not started: their mechanisms are loaded for their tables alone. */
async function allPlugins(config: DaemonConfig): Promise<readonly Plugin[]> {
  const { builtins } = await import("../builtins/builtins.ts");
  const { servicePlugins } = await import("../builtins/services.ts");
  const facts = { plugins: () => [], uuid: async () => "", services: () => new Set<string>() };
  return [...(await builtins(config)), ...servicePlugins(facts)];
}

/** The configuration as tables of the newest version. */
function toTables(config: DaemonConfig, plugins: Readonly<Record<string, Table>>): Record<string, unknown> {
  const { grpc, tcp, ttrpc, metrics } = config;
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
      ...plugins,
      "io.containerd.server.v1.grpc": {
        address: grpc.address,
        uid: grpc.uid,
        gid: grpc.gid,
        max_recv_message_size: grpc.maxReceiveMessageBytes,
        max_send_message_size: grpc.maxSendMessageBytes,
      },
      "io.containerd.server.v1.ttrpc": ttrpc,
      "io.containerd.server.v1.metrics": metrics,
      ...(tcp.address === "" ? {} : { "io.containerd.server.v1.grpc-tcp": { address: tcp.address, ...tls } }),
    },
    timeouts: Object.fromEntries(Object.entries(config.timeouts).map(([name, ms]) => [name, `${ms}ms`])),
  };
}
