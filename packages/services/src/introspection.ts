import { readlink } from "node:fs/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Introspection,
  type PluginSchema,
} from "@slipway/api/containerd/services/introspection/v1/introspection_pb";
import { pluginFields } from "@slipway/core/filters/fields";
import { compileFilters } from "@slipway/core/filters/filters";
import type { PluginReport } from "@slipway/core/introspection";
import { Fault, messageOf } from "@slipway/fault/fault";
import { serve, type ServiceRegistration } from "@slipway/rpc/service";

/** What introspection asks the daemon for. */
export interface DaemonFacts {
  plugins(): readonly PluginReport[];
  /** Stays the same as long as the daemon's root does. */
  uuid(): Promise<string>;
}

export function introspectionService(daemon: DaemonFacts): ServiceRegistration {
  return serve(Introspection, {
    plugins({ filters }) {
      const matches = compileFilters(filters);
      return {
        plugins: daemon
          .plugins()
          .filter((report) => matches(pluginFields(report)))
          .map(toMessage),
      };
    },
    async server() {
      return {
        uuid: await daemon.uuid(),
        pid: BigInt(process.pid),
        pidns: await inodeOf("/proc/self/ns/pid"),
        deprecations: [],
      };
    },
    pluginInfo({ type, id }) {
      const report = daemon.plugins().find((plugin) => plugin.type === type && plugin.id === id);
      if (!report) throw new Fault("not_found", `plugin ${type}.${id}: not found`);
      return { plugin: toMessage(report) };
    },
  });
}

function toMessage(report: PluginReport): MessageInitShape<typeof PluginSchema> {
  const { initError } = report;
  return {
    type: report.type,
    id: report.id,
    requires: [...report.requires],
    platforms: report.platforms.map(({ os, architecture, variant }) => ({
      os,
      architecture,
      variant: variant ?? "",
    })),
    exports: { ...report.exports },
    capabilities: [...report.capabilities],
    ...(initError ? { initErr: { code: unknownCode, message: messageOf(initError) } } : {}),
  };
}

/** gRPC's UNKNOWN: what containerd answers for any failure to start. */
const unknownCode = 2;

/** The number in links such as `pid:[4026531836]`. */
async function inodeOf(link: string): Promise<bigint> {
  return BigInt(/\[(\d+)\]/.exec(await readlink(link))?.[1] ?? 0);
}
