import { join } from "node:path";
import { TableReader } from "@slipway/core/config/table-reader";
import type { PluginReport } from "@slipway/core/introspection";
import {
  fullName,
  type Logger,
  type Needs,
  type Plugin,
  type PluginKind,
  type Started,
} from "@slipway/core/plugin";
import { Fault, messageOf } from "@slipway/fault/fault";
import type { DaemonConfig } from "../config/config.ts";
import { tablesWithoutPlugin } from "../config/plugin-tables.ts";
import { withFields } from "../logging/logger.ts";
import { startOrder } from "./start-order.ts";

interface Running {
  readonly plugin: Plugin;
  readonly outcome: Started<unknown> | Error;
}

type HostConfig = Pick<DaemonConfig, "root" | "state" | "plugins" | "disabledPlugins" | "requiredPlugins">;

/**
 * Starts plugins in the order of their needs, and stops them in the opposite one. A plugin that fails is reported and
 * does not stop the others, unless it is essential or the configuration requires it; what needs it alone fails, too.
 */
export class PluginHost implements AsyncDisposable {
  readonly #running: Running[] = [];
  readonly #config: HostConfig;
  readonly #log: Logger;
  readonly #signal: AbortSignal;

  constructor(config: HostConfig, log: Logger, signal: AbortSignal) {
    this.#config = config;
    this.#log = log;
    this.#signal = signal;
  }

  /**
   * @throws {Fault} of an essential or a required plugin, or `invalid_argument` when a required one does not exist
   * @throws the signal's reason when it aborts before all have started
   */
  async start(plugins: readonly Plugin[]): Promise<void> {
    const disabled = new Set(this.#config.disabledPlugins);
    const required = new Set(this.#config.requiredPlugins);
    for (const warning of tablesWithoutPlugin(plugins.map(fullName), this.#config)) this.#log.warn(warning);
    const enabled = plugins.filter((plugin) => !disabled.has(fullName(plugin)));
    for (const plugin of startOrder(enabled)) {
      this.#signal.throwIfAborted();
      const name = fullName(plugin);
      this.#log.debug(`loading plugin "${name}"...`, { type: plugin.kind.type });
      const outcome = await this.#startOne(plugin);
      this.#running.push({ plugin, outcome });
      if (!(outcome instanceof Error)) {
        required.delete(name);
        continue;
      }
      if (plugin.isEssential) throw outcome;
      if (required.has(name))
        throw new Fault("failed_precondition", `load required plugin ${name}: ${outcome.message}`);
      this.#log.warn(`failed to load plugin "${name}"`, { error: outcome, type: plugin.kind.type });
    }
    if (required.size > 0) {
      throw new Fault("invalid_argument", `required plugin ${[...required].join(", ")} not included`);
    }
  }

  /** All that runs of a kind, by id. */
  instances<T>(kind: PluginKind<T>): ReadonlyMap<string, T> {
    const found = new Map<string, T>();
    for (const { plugin, outcome } of this.#running) {
      if (plugin.kind.type === kind.type && !(outcome instanceof Error))
        found.set(plugin.id, outcome.instance as T);
    }
    return found;
  }

  reports(): PluginReport[] {
    return this.#running.map(({ plugin, outcome }) => {
      const report = {
        type: plugin.kind.type,
        id: plugin.id,
        requires: Object.values(plugin.needs).map(({ type }) => type),
        platforms: plugin.platforms ?? [],
      };
      if (outcome instanceof Error) return { ...report, exports: {}, capabilities: [], initError: outcome };
      const { exports = {}, capabilities = [], describe } = outcome;
      return { ...report, exports, capabilities, ...(describe ? { describe } : {}) };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { plugin, outcome } of this.#running.splice(0).toReversed()) {
      if (outcome instanceof Error) continue;
      try {
        await outcome.stop?.();
      } catch (error) {
        this.#log.error(`failed to stop plugin "${fullName(plugin)}"`, { error });
      }
    }
  }

  async #startOne(plugin: Plugin): Promise<Started<unknown> | Error> {
    const name = fullName(plugin);
    try {
      const table = new TableReader(this.#config.plugins[name], `plugins."${name}"`);
      const config = plugin.parseConfig(table);
      for (const warning of table.warnings()) this.#log.warn(warning);
      return await plugin.start(this.#provide(plugin.needs), config, {
        rootDir: join(this.#config.root, name),
        stateDir: join(this.#config.state, name),
        log: withFields(this.#log, { plugin: name }),
        signal: this.#signal,
      });
    } catch (error) {
      return error instanceof Error ? error : new Fault("unknown", messageOf(error));
    }
  }

  #provide(needs: Needs): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(needs).map(([key, kind]) => {
        const found = this.instances(kind);
        if (kind.many) return [key, found];
        const [only] = found.values();
        if (only === undefined)
          throw new Fault("failed_precondition", `no plugins registered for ${kind.type}`);
        return [key, only];
      }),
    );
  }
}
