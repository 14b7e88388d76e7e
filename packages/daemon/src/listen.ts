import type { Logger } from "@slipway/core/plugin";
import type { ServiceRegistration } from "@slipway/rpc/service";
import type { DaemonConfig } from "./config/config.ts";

export async function listen(
  _config: DaemonConfig,
  _services: {
    readonly grpc: readonly ServiceRegistration[];
    readonly ttrpc: readonly ServiceRegistration[];
  },
  _log: Logger,
): Promise<AsyncDisposable> {
  const timer = setInterval(() => {}, 1e6);
  return { [Symbol.asyncDispose]: async () => clearInterval(timer) };
}
