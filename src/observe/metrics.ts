/**
 * Metrics for Prometheus: the names that DESIGN fixes, filled at scrape from the tally and from the proxy's status,
 * and the process metrics of prom-client beside them on one registry.
 */
import process from 'node:process';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { Observer } from '../observer.js';
import type { BackendStatus, ProxyStatus } from '../status.js';
import { define, defineHistogram } from './define.js';
import { type BackendTally, type ListenerTally, type MetricNames, type PairTally, Tally } from './tally.js';

export type { MetricNames } from './tally.js';

export interface MetricsOptions extends MetricNames {
  /** Asked once per scrape. */
  readonly status: () => ProxyStatus;
  /** usher's own. */
  readonly version: string;
}

export interface Metrics {
  readonly observer: Observer;
  readonly registry: Registry;
  /** Counts a reload; one that succeeded brings the names of the new configuration. */
  configReloaded(result: 'ok' | 'failed', names?: MetricNames): void;
}

/** Everything usher counts, on a registry of its own. The closed sets of labels are `listeners` and `backends`. */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const tally = new Tally();
  tally.allow(options);
  const reloads = { ok: 0, failed: 0 };

  register(registry, tally, oncePerScrape(options.status));
  define(registry, {
    kind: Counter,
    name: 'usher_config_reloads_total',
    help: 'Reloads of the configuration.',
    labels: ['result'],
    *read() {
      for (const [result, count] of Object.entries(reloads)) yield [[result], count];
    },
  });
  define(registry, {
    kind: Gauge,
    name: 'usher_build_info',
    help: 'Always 1; the labels tell which usher runs on which Node.',
    labels: ['version', 'node'],
    *read() {
      yield [[options.version, process.version], 1];
    },
  });
  addProcessMetrics(registry);

  return {
    observer: tally,
    registry,
    configReloaded(result, names) {
      reloads[result] += 1;
      if (names !== undefined) tally.allow(names);
    },
  };
}

function register(registry: Registry, tally: Tally, status: () => ProxyStatus): void {
  const listeners = (): Iterable<ListenerTally> => tally.listeners.values();
  const backends = (): Iterable<BackendTally> => tally.backends.values();
  function* pairs(): Generator<PairTally> {
    for (const listener of listeners()) yield* listener.pairs.values();
  }

  define(registry, {
    kind: Counter,
    name: 'usher_connections_total',
    help: 'Connections accepted.',
    labels: ['listener'],
    *read() {
      for (const { name, connections } of listeners()) yield [[name], connections];
    },
  });
  define(registry, {
    kind: Gauge,
    name: 'usher_connections_open',
    help: 'Connections open now.',
    labels: ['listener'],
    *read() {
      for (const { name, connectionsOpen } of status().listeners) yield [[name], connectionsOpen];
    },
  });
  define(registry, {
    kind: Counter,
    name: 'usher_accept_pauses_total',
    help: 'Times that the listener stopped accepting for a while, because few files could still be opened.',
    labels: ['listener'],
    *read() {
      const { listeners, formerListeners = [] } = status();
      for (const { name, pauses } of [...listeners, ...formerListeners]) yield [[name], pauses];
    },
  });
  define(registry, {
    kind: Counter,
    name: 'usher_proxy_headers_total',
    help: 'Connections by the PROXY header they brought; none where none was expected or none came.',
    labels: ['listener', 'version', 'command'],
    *read() {
      for (const { name, headers } of listeners()) {
        for (const [kind, count] of headers) yield [[name, ...kind.split(' ')], count];
      }
    },
  });
  define(registry, {
    kind: Counter,
    name: 'usher_refused_total',
    help: 'Connections ended and requests answered by usher itself, by cause.',
    labels: ['listener', 'code'],
    *read() {
      for (const { name, refusals } of listeners()) {
        for (const [code, count] of refusals) yield [[name, code], count];
      }
    },
  });
  define(registry, {
    kind: Counter,
    name: 'usher_health_probes_total',
    help: 'Connections that were health probes: empty, a LOCAL header, or a header that names one address twice.',
    labels: ['listener', 'kind'],
    *read() {
      for (const { name, probes } of listeners()) {
        for (const [kind, count] of probes) yield [[name, kind], count];
      }
    },
  });
  define(registry, {
    kind: Counter,
    name: 'usher_requests_total',
    help: 'Exchanges ended, by the status sent to the client; 0 where the client got none. Upgrades count as 101.',
    labels: ['listener', 'backend', 'status'],
    *read() {
      for (const pair of pairs()) {
        for (const [value, count] of pair.requests()) yield [[pair.listener, pair.backend, value], count];
      }
    },
  });
  defineHistogram(registry, {
    name: 'usher_request_seconds',
    help: 'How long exchanges took, from request to end of response; upgrades are not in it.',
    labels: ['listener', 'backend'],
    *read() {
      for (const { listener, backend, seconds } of pairs()) yield [[listener, backend], seconds];
    },
  });
  define(registry, {
    kind: Gauge,
    name: 'usher_tunnels_open',
    help: 'Tunnels open now.',
    labels: ['listener', 'backend'],
    *read() {
      for (const { listener, backend, tunnelsOpen } of pairs()) yield [[listener, backend], tunnelsOpen];
    },
  });
  define(registry, {
    kind: Counter,
    name: 'usher_tunnels_total',
    help: 'Tunnels opened.',
    labels: ['listener', 'backend'],
    *read() {
      for (const { listener, backend, tunnelsOpened } of pairs()) yield [[listener, backend], tunnelsOpened];
    },
  });
  define(registry, {
    kind: Counter,
    name: 'usher_bytes_total',
    help: 'Bytes written, counted while connections are open.',
    labels: ['listener', 'direction'],
    *read() {
      const { listeners, formerListeners = [] } = status();
      for (const { name, bytesToBackend, bytesToClient } of [...listeners, ...formerListeners]) {
        yield [[name, 'to_backend'], bytesToBackend];
        yield [[name, 'to_client'], bytesToClient];
      }
    },
  });
  define(registry, {
    kind: Gauge,
    name: 'usher_endpoint_up',
    help: 'Whether the endpoint takes connections: 1 up, 0 down. Of a DNS name: whether any of its addresses does.',
    labels: ['backend', 'endpoint'],
    *read() {
      for (const backend of status().backends) {
        for (const [endpoint, up] of endpointsUp(backend)) yield [[backend.name, endpoint], up ? 1 : 0];
      }
    },
  });
  define(registry, {
    kind: Gauge,
    name: 'usher_backend_endpoints',
    help: 'Endpoints of the backend, those that DNS found among them.',
    labels: ['backend', 'state'],
    *read() {
      for (const { name, endpoints } of status().backends) {
        for (const [state, count] of endpointStates(endpoints)) yield [[name, state], count];
      }
    },
  });
  define(registry, {
    kind: Counter,
    name: 'usher_dns_failures_total',
    help: 'Times that looking up a DNS name of the backend began to fail.',
    labels: ['backend'],
    *read() {
      for (const { name, failedLookups } of backends()) yield [[name], failedLookups];
    },
  });
  defineHistogram(registry, {
    name: 'usher_dial_seconds',
    help: 'Time to connect to an endpoint, of dials that connected.',
    labels: ['backend'],
    *read() {
      for (const { name, dials } of backends()) yield [[name], dials];
    },
  });
  define(registry, {
    kind: Counter,
    name: 'usher_dial_failures_total',
    help: 'Dials that did not connect, by cause.',
    labels: ['backend', 'endpoint', 'code'],
    *read() {
      for (const { name, failures } of backends()) {
        for (const [endpoint, counts] of failures) {
          for (const [code, count] of counts) yield [[name, endpoint, code], count];
        }
      }
    },
  });
}

/** By configured address, or by the DNS name that found them: an address that DNS gives is no label. */
function endpointsUp({ endpoints }: BackendStatus): ReadonlyMap<string, boolean> {
  const up = new Map<string, boolean>();
  for (const endpoint of endpoints) {
    const name = endpoint.origin ?? endpoint.address;
    up.set(name, endpoint.up || up.get(name) === true);
  }
  return up;
}

function endpointStates(endpoints: BackendStatus['endpoints']): ReadonlyMap<string, number> {
  const count = { up: 0, down: 0, draining: 0 };
  for (const { up, draining } of endpoints) count[up ? (draining ? 'draining' : 'up') : 'down'] += 1;
  return new Map(Object.entries(count));
}

/**
 * One picture for the whole scrape: prom-client collects all metrics in one turn, so the picture is dropped when that
 * turn is over.
 */
function oncePerScrape(status: () => ProxyStatus): () => ProxyStatus {
  let picture: ProxyStatus | undefined;
  return () => {
    if (picture === undefined) {
      picture = status();
      queueMicrotask(() => {
        picture = undefined;
      });
    }
    return picture;
  };
}

/**
 * prom-client's process metrics, but for those that list every handle and resource of the process: with ten thousand
 * connections that would take milliseconds of each scrape, and three of them have names that `promtool` objects to.
 */
function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
  for (const kind of ['resources', 'handles', 'requests']) {
    registry.removeSingleMetric(`nodejs_active_${kind}`);
    registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  }
}
