import { Introspection } from "@slipway/api/containerd/services/introspection/v1/introspection_pb";
import { Version } from "@slipway/api/containerd/services/version/v1/version_pb";
import type { PluginReport } from "@slipway/core/introspection";
import type { Calls } from "../connect/calls.ts";

export interface DaemonVersion {
  readonly version: string;
  readonly revision: string;
}

/** Who the daemon is. */
export interface DaemonIdentity {
  readonly uuid: string;
  /** 0 when the daemon does not tell. */
  readonly pid: number;
}

/** What the daemon says of itself. */
export class RemoteIntrospection {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  async version(): Promise<DaemonVersion> {
    const { version, revision } = await this.#calls.unary(Version.method.version, {});
    return { version, revision };
  }

  async server(): Promise<DaemonIdentity> {
    const { uuid, pid } = await this.#calls.unary(Introspection.method.server, {});
    return { uuid, pid: Number(pid) };
  }

  async plugins(filters: readonly string[] = []): Promise<PluginReport[]> {
    const { plugins } = await this.#calls.unary(Introspection.method.plugins, { filters: [...filters] });
    return plugins.map((plugin) => ({
      type: plugin.type,
      id: plugin.id,
      requires: plugin.requires,
      platforms: plugin.platforms.map(({ os, architecture, variant }) => ({
        os,
        architecture,
        ...(variant === "" ? {} : { variant }),
      })),
      exports: plugin.exports,
      capabilities: plugin.capabilities,
      ...(plugin.initErr ? { initError: new Error(plugin.initErr.message) } : {}),
    }));
  }
}
