import { definePlugin } from "@slipway/core/plugin";
import {
  ContainerMonitorPlugin,
  EventPlugin,
  MetadataPlugin,
  RuntimePlugin,
} from "@slipway/core/plugin-kinds";
import { Fault } from "@slipway/fault/fault";
import { ContainerTasks } from "./container-tasks.ts";
import { RestartMonitor } from "./monitor.ts";

/** containerd's restart monitor, by the same labels (its plugins/restart): told by events, and with Docker's back-off. */
export const restartPlugin = definePlugin({
  kind: ContainerMonitorPlugin,
  id: "restart",
  needs: { stores: MetadataPlugin, runtimes: RuntimePlugin, events: EventPlugin },
  parseConfig: (table) => ({ intervalMs: table.duration("interval", "10s") }),
  async start({ stores, runtimes, events }, { intervalMs }, { log }) {
    const tasks = runtimes.get("task");
    if (!tasks) throw new Fault("failed_precondition", 'runtime "task" does not run');
    const monitor = new RestartMonitor(new ContainerTasks(stores, tasks), events, intervalMs, log);
    return {
      instance: monitor,
      // Clients look for the policies here.
      capabilities: ["no", "always", "on-failure", "unless-stopped"],
      stop: () => monitor[Symbol.asyncDispose](),
    };
  },
});
