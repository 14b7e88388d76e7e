import { readlink } from "node:fs/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  Introspection,
  type PluginSchema,
} from "@slipway/api/containerd/services/introspection/v1/introspection_pb";
import { fromAny, toAny } from "@slipway/client/messages";
import { toTimestamp } from "@slipway/rpc/timestamp";
import type { Any } from "@slipway/core/any";
import type { Deprecation } from "@slipway/core/deprecations";
import { pluginFields } from "@slipway/core/filters/fields";
import { compileFilters } from "@slipway/core/filters/filters";
import type { PluginReport } from "@slipway/core/introspection";
import { codeOf, Fault, messageOf } from "@slipway/fault/fault";
import { statusCodes } from "@slipway/rpc/status";
import { serve, type ServiceRegistration } from "@slipway/rpc/service";

/** What introspection asks the daemon for. */
export interface DaemonFacts {
  plugins(): readonly PluginReport[];
  /** Stays the same as long as the daemon's root does. */
  uuid(): Promise<string>;
  deprecations(): readonly Deprecation[];
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
        deprecations: daemon.deprecations().map(({ id, message, lastOccurrence }) => ({
          id,
          message,
          lastOccurrence: toTimestamp(lastOccurrence),
        })),
      };
    },
    async pluginInfo({ type, id, options }, { signal }) {
      const report = daemon.plugins().find((plugin) => plugin.type === type && plugin.id === id);
      if (!report) throw new Fault("not_found", `plugin ${type}.${id} not found: not found`);
      const plugin = toMessage(report);
      return options ? { plugin, extra: await describe(report, fromAny(options), signal) } : { plugin };
    },
  });
}

async function describe(
  report: PluginReport,
  request: Any,
  signal: AbortSignal,
): Promise<ReturnType<typeof toAny>> {
  const name = `${report.type}.${report.id}`;
  if (report.initError) {
    const why = `Cannot describe plugin ${name}: it is not loaded: ${messageOf(report.initError)}`;
    throw new Fault("failed_precondition", why, { cause: report.initError });
  }
  if (!report.describe)
    throw new Fault("unimplemented", `Cannot describe plugin ${name}: it takes no requests: not implemented`);
  return toAny(await report.describe(request, signal));
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
    ...(initError
      ? { initErr: { code: statusCodes.indexOf(codeOf(initError)), message: messageOf(initError) } }
      : {}),
  };
}

/** The number in links such as `pid:[4026531836]`. */
async function inodeOf(link: string): Promise<bigint> {
  return BigInt(/\[(\d+)\]/.exec(await readlink(link))?.[1] ?? 0);
}
