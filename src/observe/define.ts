/** Metrics that are filled at scrape from numbers counted elsewhere. */
import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Buckets } from './buckets.js';

/** One metric: its label names, and at scrape its series, each with its label values in the same order. */
export interface Definition<Value> {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: () => Iterable<readonly [values: readonly string[], value: Value]>;
}

/** Registers a counter or gauge that is filled anew for each scrape. */
export function define(
  registry: Registry,
  metric: Definition<number> & { readonly kind: typeof Counter | typeof Gauge },
): void {
  const { kind: Kind, name, help, labels } = metric;
  new Kind({
    name,
    help,
    labelNames: labels,
    registers: [registry],
    collect(this: Counter | Gauge) {
      this.reset();
      for (const [values, value] of metric.read()) this.inc(labelSet(labels, values), value);
    },
  });
}

function labelSet(names: readonly string[], values: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']));
}

/** Registers a histogram whose buckets are counted elsewhere, which prom-client's own class can't take. */
export function defineHistogram(registry: Registry, metric: Definition<Buckets>): void {
  const { name, help } = metric;
  const histogram = {
    name,
    help,
    type: 'histogram',
    aggregator: 'sum',
    async get() {
      return { name, help, type: 'histogram', aggregator: 'sum', values: histogramValues(metric) };
    },
    reset() {},
  };
  // A registry asks its metrics for nothing but these.
  registry.registerMetric(histogram as unknown as Histogram);
}

function histogramValues({ name, labels, read }: Definition<Buckets>): object[] {
  const lines: object[] = [];
  for (const [values, buckets] of read()) {
    const own = labelSet(labels, values);
    const counts = buckets.cumulative();
    for (const [index, count] of counts.entries()) {
      const le = buckets.bounds[index] ?? '+Inf';
      lines.push({ metricName: `${name}_bucket`, labels: { ...own, le }, value: count });
    }
    lines.push({ metricName: `${name}_sum`, labels: own, value: buckets.sum });
    lines.push({ metricName: `${name}_count`, labels: own, value: counts.at(-1) ?? 0 });
  }
  return lines;
}
