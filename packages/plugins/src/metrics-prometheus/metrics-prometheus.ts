import type { Measure, Metrics } from "@slipway/core/metrics";
import { definePlugin, type Plugin } from "@slipway/core/plugin";
import { MetricsPlugin } from "@slipway/core/plugin-kinds";

export interface MetricsOptions {
  /** `HOST:PORT`. Without one nothing is served, and nothing counted. */
  readonly address: string;
  readonly version: string;
  readonly revision: string;
}

const notWatched: Measure = { add() {} };
const nobodyWatches: Metrics = {
  counter: () => notWatched,
  gauge: () => notWatched,
  histogram: () => notWatched,
};

/** Serves the daemon's figures to Prometheus where containerd serves its own: `http://ADDRESS/v1/metrics`. */
export function metricsPlugin(options: MetricsOptions): Plugin<Metrics> {
  return definePlugin({
    kind: MetricsPlugin,
    id: "prometheus",
    needs: {},
    parseConfig: () => undefined,
    async start(_needs, _config, { log }) {
      if (options.address === "") return { instance: nobodyWatches };
      // The library is loaded for those who have an address configured.
      const { serveMetrics } = await import("./serve-metrics.ts");
      const served = await serveMetrics(options);
      const { metrics, address } = served;
      log.info("serving metrics", { address: `${address}/v1/metrics` });
      return { instance: metrics, exports: { address }, stop: () => served.stop() };
    },
  });
}
