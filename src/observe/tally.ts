/**
 * What metrics count, in plain numbers: an observer that the data plane can afford to call for every exchange. A
 * scrape reads it (metrics.ts). Every name in it comes from configuration; a name it was not told of counts as
 * `other`, so nothing that the network sends can make a new series.
 */

import { formatHostPort } from '../address.js';
import type { Code } from '../codes.js';
import type {
  ConnectionView,
  ExchangeRecord,
  HeaderCommand,
  HeaderVersion,
  Observer,
  ProbeKind,
  TunnelRecord,
} from '../observer.js';
import type { BackendSettings, ListenerSettings } from '../settings.js';
import { Buckets } from './buckets.js';

/** The closed sets of label values. */
export interface MetricNames {
  readonly listeners: readonly Pick<ListenerSettings, 'name' | 'protocol' | 'routes'>[];
  readonly backends: readonly Pick<BackendSettings, 'name' | 'endpoints'>[];
}

/** From 1 ms to a minute: a long poll of Socket.IO ends after up to 25 s, one of others after up to 60 s. */
const requestBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60];
/** Dials end in less than a millisecond on one host, and time out after seconds. */
const dialBounds = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const other = 'other';

/** Slots of `PairTally.statuses`: 0 (the client got none), 1 (no HTTP status at all), 100 to 599. */
const otherStatus = 1;
const lastStatus = 599;

function statusSlot(status: number): number {
  if (status >= 100 && status <= lastStatus && status === Math.trunc(status)) return status;
  return status === 0 ? 0 : otherStatus;
}

/** What passed from one listener to one backend. */
export class PairTally {
  readonly listener: string;
  readonly backend: string;
  readonly #statuses = new Float64Array(lastStatus + 1);
  readonly seconds = new Buckets(requestBounds);
  tunnelsOpened = 0;
  tunnelsOpen = 0;

  constructor(listener: string, backend: string) {
    this.listener = listener;
    this.backend = backend;
  }

  exchangeEnded(exchange: ExchangeRecord): void {
    const slot = statusSlot(exchange.status);
    this.#statuses[slot] = (this.#statuses[slot] ?? 0) + 1;
    if (!exchange.upgraded) this.seconds.observe(exchange.durationMs);
  }

  /** Requests by value of the label `status`, those that occurred. */
  *requests(): Generator<[status: string, count: number]> {
    for (const [slot, count] of this.#statuses.entries()) {
      if (count > 0) yield [slot === otherStatus ? other : String(slot), count];
    }
  }
}

/** Adds one to what a map holds for a key. */
function bump<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Refusals that an alert may wait for: there from the start, so that the first one is a step from 0 to 1. */
const alertable: readonly Code[] = [
  'source-untrusted',
  'header-missing',
  'header-malformed',
  'header-timeout',
  'connection-limit',
];
const alertableHttp: readonly Code[] = ['backend-unreachable', 'backend-connect-timeout', 'backend-closed'];

type HeaderKind = `${HeaderVersion} ${HeaderCommand}`;

function kindsOf(version: HeaderVersion): Readonly<Record<HeaderCommand, HeaderKind>> {
  return {
    PROXY: `${version} PROXY`,
    LOCAL: `${version} LOCAL`,
    UNKNOWN: `${version} UNKNOWN`,
    none: `${version} none`,
  };
}

/** Made once: to make such a text for each connection, and to find it in a map, costs 0.4 µs. */
const headerKinds: Readonly<Record<HeaderVersion, Readonly<Record<HeaderCommand, HeaderKind>>>> = {
  v1: kindsOf('v1'),
  v2: kindsOf('v2'),
  none: kindsOf('none'),
};
const usualHeaders: readonly HeaderKind[] = ['none none', 'v1 PROXY', 'v1 UNKNOWN', 'v2 PROXY', 'v2 LOCAL'];

export class ListenerTally {
  readonly name: string;
  connections = 0;
  readonly headers = new Map<HeaderKind, number>(usualHeaders.map(kind => [kind, 0]));
  readonly refusals = new Map<Code, number>(alertable.map(code => [code, 0]));
  readonly probes = new Map<ProbeKind, number>([
    ['empty', 0],
    ['local', 0],
    ['self', 0],
  ]);
  readonly pairs = new Map<string, PairTally>();

  constructor(name: string) {
    this.name = name;
  }

  pair(backend: string): PairTally {
    let pair = this.pairs.get(backend);
    if (pair === undefined) {
      pair = new PairTally(this.name, backend);
      this.pairs.set(backend, pair);
    }
    return pair;
  }
}

export class BackendTally {
  readonly name: string;
  /** Dials that connected. */
  readonly dials = new Buckets(dialBounds);
  /** Dials that didn't, by endpoint and code. */
  readonly failures = new Map<string, Map<Code, number>>();
  /** Times that looking up a DNS name began to fail. */
  failedLookups = 0;

  constructor(name: string) {
    this.name = name;
  }
}

export class Tally implements Observer {
  readonly listeners = new Map<string, ListenerTally>();
  readonly backends = new Map<string, BackendTally>();
  /** The pair of the exchange before: the next one is often of the same. */
  #pair = new PairTally('', '');

  /** Adds names; series of names that are gone stay as they are, as counters should. */
  allow({ listeners, backends }: MetricNames): void {
    for (const { name, endpoints } of backends) {
      const { failures } = this.#makeBackend(name);
      for (const { host, port } of endpoints) {
        const endpoint = formatHostPort(host, port);
        if (!failures.has(endpoint)) failures.set(endpoint, new Map());
      }
    }
    for (const { name, protocol, routes } of listeners) {
      const tally = this.#makeListener(name);
      for (const { backend } of routes) tally.pair(backend);
      if (protocol !== 'http') continue;
      for (const code of alertableHttp) tally.refusals.set(code, tally.refusals.get(code) ?? 0);
    }
  }

  connectionOpened(connection: ConnectionView): void {
    this.#listener(connection.listener).connections += 1;
  }

  /** Open connections are read from the proxy's status, so there is nothing to count here. */
  connectionClosed(): void {}

  headerSettled(connection: ConnectionView, version: HeaderVersion, command: HeaderCommand): void {
    bump(this.#listener(connection.listener).headers, headerKinds[version][command]);
  }

  refused(connection: ConnectionView, code: Code): void {
    bump(this.#listener(connection.listener).refusals, code);
  }

  probeSeen(connection: ConnectionView, kind: ProbeKind): void {
    bump(this.#listener(connection.listener).probes, kind);
  }

  exchangeEnded(exchange: ExchangeRecord): void {
    this.#pairOf(exchange.connection.listener, exchange.backend).exchangeEnded(exchange);
  }

  tunnelOpened(tunnel: TunnelRecord): void {
    const pair = this.#pairOf(tunnel.connection.listener, tunnel.backend);
    pair.tunnelsOpened += 1;
    pair.tunnelsOpen += 1;
  }

  tunnelClosed(tunnel: TunnelRecord): void {
    this.#pairOf(tunnel.connection.listener, tunnel.backend).tunnelsOpen -= 1;
  }

  dialEnded(backend: string, endpoint: string, durationMs: number, code: Code | undefined): void {
    const tally = this.backends.get(backend) ?? this.#makeBackend(other);
    if (code === undefined) tally.dials.observe(durationMs);
    else bump(failuresOf(tally, endpoint), code);
  }

  /** Whether an endpoint is up is read from the proxy's status. */
  endpointChanged(): void {}

  lookupSettled(backend: string, _name: string, why: string | undefined): void {
    if (why !== undefined) (this.backends.get(backend) ?? this.#makeBackend(other)).failedLookups += 1;
  }

  #pairOf(listener: string, backend: string): PairTally {
    const before = this.#pair;
    if (before.listener === listener && before.backend === backend) return before;
    const known = backend === 'none' || this.backends.has(backend);
    const pair = this.#listener(listener).pair(known ? backend : other);
    this.#pair = pair;
    return pair;
  }

  #listener(name: string): ListenerTally {
    return this.listeners.get(name) ?? this.#makeListener(other);
  }

  #makeListener(name: string): ListenerTally {
    let tally = this.listeners.get(name);
    if (tally === undefined) {
      tally = new ListenerTally(name);
      this.listeners.set(name, tally);
    }
    return tally;
  }

  #makeBackend(name: string): BackendTally {
    let tally = this.backends.get(name);
    if (tally === undefined) {
      tally = new BackendTally(name);
      this.backends.set(name, tally);
    }
    return tally;
  }
}

function failuresOf({ failures }: BackendTally, endpoint: string): Map<Code, number> {
  const known = failures.has(endpoint) ? endpoint : other;
  let counts = failures.get(known);
  if (counts === undefined) {
    counts = new Map();
    failures.set(known, counts);
  }
  return counts;
}
