/** A figure that is watched from outside. */
export interface Measure {
  /** Counters and gauges become larger (or smaller) by the value; distributions take note of it. */
  add(value: number, labels?: Readonly<Record<string, string>>): void;
}

/** Makes figures by their Prometheus names: https://prometheus.io/docs/practices/naming/. Asked twice, it gives the same one. */
export interface Metrics {
  /** Only ever grows. */
  counter(name: string, help: string, labels?: readonly string[]): Measure;
  gauge(name: string, help: string): Measure;
  /** How often which values were met. */
  histogram(name: string, help: string): Measure;
}
