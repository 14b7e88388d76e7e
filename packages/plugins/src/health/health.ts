import { mkdirSync, rmSync } from "node:fs";
import { definePlugin } from "@slipway/core/plugin";
import {
  ContainerMonitorPlugin,
  EventPlugin,
  MetadataPlugin,
  RuntimePlugin,
} from "@slipway/core/plugin-kinds";
import { Fault } from "@slipway/fault/fault";
import { HealthMonitor } from "./health-monitor.ts";

/** Health checks, by nerdctl's labels and Docker's rules: a process of the daemon's own making in each container. */
export const healthPlugin = definePlugin({
  kind: ContainerMonitorPlugin,
  id: "health",
  needs: { stores: MetadataPlugin, runtimes: RuntimePlugin, events: EventPlugin },
  parseConfig: () => ({}),
  async start({ stores, runtimes, events }, _config, { log, stateDir }) {
    const tasks = runtimes.get("task");
    if (!tasks) throw new Fault("failed_precondition", 'runtime "task" does not run');
    // Streams of probes that an earlier daemon did not live to see the end of.
    rmSync(stateDir, { recursive: true, force: true });
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const monitor = new HealthMonitor({ stores, tasks, events, folder: stateDir, log });
    return { instance: monitor, stop: () => monitor[Symbol.asyncDispose]() };
  },
});
