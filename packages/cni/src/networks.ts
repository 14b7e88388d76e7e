import { during, Fault } from "@slipway/fault/fault";
import { type Attachment, checkAttachment } from "./attachment.ts";
import type { Network, PluginConfig } from "./network.ts";
import type { PluginCommand, Plugins } from "./plugins.ts";
import { type NetworkResult, readResult, resultIn } from "./result.ts";
import type { ResultCache } from "./result-cache.ts";
import { isAtLeast } from "./version.ts";

export interface CallOptions {
  readonly signal?: AbortSignal;
}

/**
 * Attaches containers to networks by other people's plugins. Two calls for the same container and network must not run at
 * once: the caller has the lock of the container.
 * https://github.com/containernetworking/cni/blob/main/SPEC.md#section-3-execution-of-network-configurations
 */
export class Networks {
  readonly plugins: Plugins;
  readonly cache: ResultCache;

  constructor(plugins: Plugins, cache: ResultCache) {
    this.plugins = plugins;
    this.cache = cache;
  }

  /**
   * Calls each plugin with ADD. When one fails, those are called with DEL that may have left something.
   * @throws {Fault} `invalid_argument` for a wrong id or interface name, else what the plugin says
   */
  async add(network: Network, attachment: Attachment, { signal }: CallOptions = {}): Promise<NetworkResult> {
    checkAttachment(attachment);
    try {
      let result: NetworkResult | undefined;
      for (const plugin of network.plugins) {
        const printed = await this.#call(network, plugin, "ADD", { attachment, result, signal });
        result = readResult(`what CNI plugin "${plugin.type}" printed`, printed);
      }
      if (!result) throw new Fault("invalid_argument", "it has no plugins");
      await this.cache.put(network, attachment, result);
      return result;
    } catch (error) {
      await this.remove(network, attachment).catch(() => {});
      signal?.throwIfAborted();
      throw during(`attach container "${attachment.containerId}" to network "${network.name}"`, error);
    }
  }

  /** Asks the plugins whether all is still as they made it. @throws {Fault} with what is not */
  async check(network: Network, attachment: Attachment, { signal }: CallOptions = {}): Promise<void> {
    if (network.disableCheck || !isAtLeast(network.cniVersion, "0.4.0")) return;
    const cached = await this.cache.get(network.name, attachment);
    for (const plugin of network.plugins) {
      await this.#call(network, plugin, "CHECK", { attachment, result: cached?.result, signal });
    }
  }

  /**
   * Calls each plugin with DEL, the last one first, and forgets the attachment. One that was never made, or is gone, is no
   * error: plugins have to bear that.
   * @throws {Fault} with the first failure, after all were called; the attachment is then still remembered
   */
  async remove(network: Network, attachment: Attachment, { signal }: CallOptions = {}): Promise<void> {
    const cached = await this.cache.get(network.name, attachment);
    const known = { ...attachment, ...(cached ? saidBefore(cached.attachment) : {}) };
    const failures: unknown[] = [];
    for (const plugin of network.plugins.toReversed()) {
      const call = { attachment: known, result: cached?.result, signal };
      await this.#call(network, plugin, "DEL", call).catch((error: unknown) => failures.push(error));
    }
    signal?.throwIfAborted();
    if (failures.length > 0) {
      throw during(
        `detach container "${attachment.containerId}" from network "${network.name}"`,
        failures[0],
      );
    }
    await this.cache.remove(network.name, attachment);
  }

  /** Whether the network can be attached to: its plugins are there and say that they are ready. @throws {Fault} */
  async status(network: Network, { signal }: CallOptions = {}): Promise<void> {
    const command = isAtLeast(network.cniVersion, "1.1.0") ? "STATUS" : "VERSION";
    for (const plugin of network.plugins) await this.#call(network, plugin, command, { signal });
  }

  async #call(
    network: Network,
    { type, config, capabilities }: PluginConfig,
    command: PluginCommand,
    call: {
      readonly attachment?: Attachment;
      readonly result?: NetworkResult | undefined;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<string> {
    const { attachment, result, signal } = call;
    const runtime = Object.entries(attachment?.capabilityArgs ?? {}).filter(([name]) =>
      capabilities.has(name),
    );
    // Results of before 0.4.0 were not handed to DEL, nor is there one to hand to the first plugin.
    const handsOn = result !== undefined && (command === "ADD" || isAtLeast(network.cniVersion, "0.4.0"));
    const input = {
      ...config,
      name: network.name,
      cniVersion: network.cniVersion,
      ...(handsOn ? { prevResult: resultIn(network.cniVersion, result) } : {}),
      ...(runtime.length > 0 ? { runtimeConfig: Object.fromEntries(runtime) } : {}),
    };
    return await this.plugins.run(type, command, input, {
      ...(attachment ? { target: attachment } : {}),
      signal,
    });
  }
}

/** A port mapping is taken away as it was made, not as the caller would make it today. */
function saidBefore({ args, capabilityArgs, netns }: Attachment): Partial<Attachment> {
  return {
    ...(args ? { args } : {}),
    ...(capabilityArgs ? { capabilityArgs } : {}),
    ...(netns === "" ? {} : { netns }),
  };
}
