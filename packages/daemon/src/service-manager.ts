import type { Logger } from "@slipway/core/plugin";
import { messageOf } from "@slipway/fault/fault";

/** The service manager that started the daemon and wants to hear of it, as sd_notify(3) describes. */
export class ServiceManager implements Disposable {
  readonly #log: Logger;
  #watchdog: NodeJS.Timeout | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The daemon serves. From now on the watchdog is fed, if there is one: a daemon whose event loop hangs is restarted. */
  async ready(status: string): Promise<void> {
    await this.#tell(`READY=1\nSTATUS=${status}`);
    const intervalMs = watchdogMs();
    if (intervalMs === undefined) return;
    // Half of the time, as sd_watchdog_enabled(3) recommends.
    this.#watchdog = setInterval(() => void this.#tell("WATCHDOG=1"), intervalMs / 2).unref();
    await this.#tell("WATCHDOG=1");
  }

  async stopping(): Promise<void> {
    await this.#tell("STOPPING=1\nSTATUS=Stopping");
  }

  [Symbol.dispose](): void {
    clearInterval(this.#watchdog);
  }

  async #tell(state: string): Promise<void> {
    // Checked here: without a service manager nothing native is loaded.
    if (!process.env["NOTIFY_SOCKET"]) return;
    try {
      const { notifyServiceManager } = await import("@slipway/linux/sd-notify");
      notifyServiceManager(state);
    } catch (error) {
      this.#log.warn("failed to notify the service manager", { state, error: messageOf(error) });
    }
  }
}

/** sd_watchdog_enabled(3): the time within which the manager wants to hear of this process. */
function watchdogMs(): number | undefined {
  const { WATCHDOG_USEC: microseconds = "", WATCHDOG_PID: pid = "" } = process.env;
  if (!/^[1-9]\d*$/.test(microseconds) || (pid !== "" && Number(pid) !== process.pid)) return undefined;
  return Number(microseconds) / 1000;
}
