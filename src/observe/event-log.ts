/**
 * The event log: refusals, endpoints that come and go, and health probes in sum. Its rate is bounded, so that a flood
 * of bad connections is a number in one line and not a flood of lines. No timer is kept: what is due is written when
 * the next event comes by.
 */
import { performance } from 'node:perf_hooks';
import type { Logger } from 'pino';
import { formatHostPort } from '../address.js';
import { type Code, causes } from '../codes.js';
import type { ConnectionView, Observer, ProbeKind } from '../observer.js';
import { hintFor } from './hints.js';
import { silent } from './silent.js';
import { TokenBucket } from './token-bucket.js';

export interface EventLogOptions {
  readonly logger: Logger;
  /** Milliseconds of a clock that never goes back; `performance.now` when left out. */
  readonly now?: () => number;
  /** Lines at once, per listener and code. */
  readonly burst?: number;
  /** Lines per second after that. */
  readonly perSecond?: number;
  /** Shortest time between two lines about the probes of one listener. */
  readonly probeIntervalMs?: number;
}

/** An observer that writes the event log. */
export function createEventLog(options: EventLogOptions): Observer {
  const { logger, now = () => performance.now(), burst = 20, perSecond = 5, probeIntervalMs = 60_000 } = options;
  const rate = new Rate(now, burst, perSecond);
  const probes = new Map<string, ProbeCount>();

  function settleProbes(listener: string): void {
    const count = probes.get(listener);
    if (count === undefined) return;
    const elapsedMs = now() - count.since;
    if (elapsedMs < probeIntervalMs) return;
    probes.delete(listener);
    logger.info({ listener, ...count.kinds, seconds: Math.round(elapsedMs / 1000) }, probeText(count.kinds));
  }

  return {
    ...silent,

    connectionOpened(connection: ConnectionView): void {
      settleProbes(connection.listener);
    },

    refused(connection: ConnectionView, code: Code, detail?: string): void {
      const { level, text } = causes[code];
      if (!logger.isLevelEnabled(level)) return;
      const suppressed = rate.take(connection.listener, code);
      if (suppressed === undefined) return;
      const fields = {
        code,
        listener: connection.listener,
        peer: formatHostPort(connection.peer.address, connection.peer.port),
        client: formatHostPort(connection.client.address, connection.client.port),
        detail,
        hint: hintFor(code, detail),
        suppressed: suppressed === 0 ? undefined : suppressed,
      };
      logger[level](fields, text);
    },

    probeSeen(connection: ConnectionView, kind: ProbeKind): void {
      settleProbes(connection.listener);
      let count = probes.get(connection.listener);
      if (count === undefined) {
        count = { since: now(), kinds: { empty: 0, local: 0, self: 0 } };
        probes.set(connection.listener, count);
      }
      count.kinds[kind] += 1;
    },

    endpointChanged(backend: string, endpoint: string, up: boolean, why?: string): void {
      // Not by endpoint: addresses that DNS gives come and go without end.
      const suppressed = rate.take(backend, String(up));
      if (suppressed === undefined) return;
      const fields = { backend, endpoint, up, why, suppressed: suppressed === 0 ? undefined : suppressed };
      if (up) logger.info(fields, 'the endpoint is up');
      else logger.warn(fields, 'the endpoint is down');
    },

    lookupSettled(backend: string, name: string, why: string | undefined): void {
      if (why === undefined) logger.info({ backend, name }, 'the name can be looked up again');
      else logger.warn({ backend, name, why }, 'the name could not be looked up; what was found last stays');
    },
  };
}

/** Probes of one listener since its last line. */
interface ProbeCount {
  readonly since: number;
  readonly kinds: Record<ProbeKind, number>;
}

function probeText(kinds: Record<ProbeKind, number>): string {
  const parts = Object.entries(kinds).filter(([, count]) => count > 0);
  return `health probes: ${parts.map(([kind, count]) => `${count} ${kind}`).join(', ')}`;
}

/** A token bucket for each pair of names; both come from configuration and the table of codes, so it stays small. */
class Rate {
  readonly #buckets = new Map<string, Map<string, TokenBucket>>();
  readonly #now: () => number;
  readonly #burst: number;
  readonly #perSecond: number;

  constructor(now: () => number, burst: number, perSecond: number) {
    this.#now = now;
    this.#burst = burst;
    this.#perSecond = perSecond;
  }

  /** Undefined: no line now. A number: write one, and tell that so many were left out before it. */
  take(group: string, name: string): number | undefined {
    const now = this.#now();
    let buckets = this.#buckets.get(group);
    if (buckets === undefined) {
      buckets = new Map();
      this.#buckets.set(group, buckets);
    }
    let bucket = buckets.get(name);
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#burst, this.#perSecond, now);
      buckets.set(name, bucket);
    }
    return bucket.take(now) ? bucket.takeSuppressed() : undefined;
  }
}
