import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Measure, Metrics } from "@slipway/core/metrics";
import { Fault, messageOf } from "@slipway/fault/fault";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { MetricsOptions } from "./metrics-prometheus.ts";

interface Served {
  readonly metrics: Metrics;
  /** With the port that was chosen. */
  readonly address: string;
  stop(): Promise<void>;
}

const path = "/v1/metrics";

/** @throws {Fault} `invalid_argument` for an address that cannot be listened on */
export async function serveMetrics({ address, version, revision }: MetricsOptions): Promise<Served> {
  const registry = new Registry();
  // process_* by the names that Prometheus has for all programs, and nodejs_*.
  collectDefaultMetrics({ register: registry });
  const metrics = new PrometheusMetrics(registry);
  const build = { version, revision };
  metrics
    .counter("containerd_build_info_total", "containerd build information", Object.keys(build))
    .add(1, build);
  const server = createServer((request, response) => {
    if (request.url?.split("?")[0] !== path) return void response.writeHead(404).end();
    registry.metrics().then(
      (text) => response.writeHead(200, { "content-type": registry.contentType }).end(text),
      (error: unknown) => response.writeHead(500).end(messageOf(error)),
    );
  });
  // A connection that cannot be accepted, for want of file descriptors, is not the end of the others.
  server.on("error", () => {});
  const [, host, port] = /^\[?(.*?)\]?:(\d+)$/.exec(address) ?? [];
  if (port === undefined)
    throw new Fault("invalid_argument", `Cannot serve metrics at "${address}": expected HOST:PORT`);
  try {
    server.listen(Number(port), host === "" ? undefined : host);
    await once(server, "listening");
  } catch (error) {
    throw new Fault("invalid_argument", `Cannot serve metrics at "${address}": ${messageOf(error)}`, {
      cause: error,
    });
  }
  const bound = server.address() as AddressInfo;
  return {
    metrics,
    address: `${bound.family === "IPv6" ? `[${bound.address}]` : bound.address}:${bound.port}`,
    async stop() {
      server.closeAllConnections();
      server.close();
      registry.clear();
    },
  };
}

class PrometheusMetrics implements Metrics {
  readonly #registry: Registry;
  readonly #made = new Map<string, Measure>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  counter(name: string, help: string, labels: readonly string[] = []): Measure {
    return this.#once(name, () => {
      const counter = new Counter({ ...this.#base(name, help), labelNames: [...labels] });
      return { add: (value, of = {}) => counter.inc({ ...of }, value) };
    });
  }

  gauge(name: string, help: string): Measure {
    return this.#once(name, () => {
      const gauge = new Gauge(this.#base(name, help));
      return { add: (value) => gauge.inc(value) };
    });
  }

  histogram(name: string, help: string): Measure {
    return this.#once(name, () => {
      const histogram = new Histogram(this.#base(name, help));
      return { add: (value) => histogram.observe(value) };
    });
  }

  #base(name: string, help: string): { name: string; help: string; registers: Registry[] } {
    return { name, help, registers: [this.#registry] };
  }

  #once(name: string, make: () => Measure): Measure {
    const measure = this.#made.get(name) ?? make();
    this.#made.set(name, measure);
    return measure;
  }
}
