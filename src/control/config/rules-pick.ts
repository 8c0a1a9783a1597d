/** Rules about how an endpoint is picked, and how it is checked. */
import { affinityWords, isRemembered, placement } from './affinity.js';
import { formatPath } from './problem.js';
import { formatDuration } from './units.js';
import type { Finding, View } from './view.js';

/** `affinity-balance`: the key of an affinity decides alone, so another balance would be a promise that is not kept. */
export function* affinityBalance(view: View): Iterable<Finding> {
  for (const [name, { affinity, balance }] of Object.entries(view.config.backends)) {
    if (affinity === undefined || isRemembered(affinity) || balance === undefined || balance === 'hash') continue;
    const message = `${affinityWords(affinity)} hashes its key and so decides alone, which leaves nothing to balance: ${balance}: write balance: hash, or remove one of the two keys`;
    yield { rule: 'affinity-balance', path: ['backends', name, 'balance'], message };
  }
}

/** `affinity-needs-http`: a connection of protocol tcp has an address, but no cookie, header, path or query. */
export function* affinityNeedsHttp(view: View): Iterable<Finding> {
  const backends = new Map(Object.entries(view.config.backends));
  for (const { listener, backend, path } of view.backendUses()) {
    const affinity = backends.get(backend)?.affinity;
    if (listener.protocol !== 'tcp' || affinity === undefined || affinity.kind === 'client-ip') continue;
    const other = view.mention(formatPath(['backends', backend]), ['backends', backend, 'affinity']);
    const message = `${other} has ${affinityWords(affinity)}, which protocol tcp cannot see: use affinity: client-ip, or give this listener a backend of its own`;
    yield { rule: 'affinity-needs-http', path, message };
  }
}

/** `load-bound-needs-hash`: the other balances level the load by themselves. */
export function* loadBoundNeedsHash(view: View): Iterable<Finding> {
  for (const [name, { affinity, balance, loadBound }] of Object.entries(view.config.backends)) {
    const path = ['backends', name];
    const placed = placement(balance, affinity);
    if (loadBound === undefined || placed === 'hash') continue;
    if (!view.isSound(...path, 'balance') || !view.isSound(...path, 'affinity')) continue;
    const message = `loadBound goes with balance: hash, and the balance here is ${placed}: write balance: hash, or remove loadBound`;
    yield { rule: 'load-bound-needs-hash', path: [...path, 'loadBound'], message };
  }
}

/** `health-needs-path`: `host` and `status` promise an HTTP check, which there is only with a path. */
export function* healthNeedsPath(view: View): Iterable<Finding> {
  for (const name of Object.keys(view.config.backends)) {
    const path = ['backends', name, 'healthCheck'];
    if (view.isGiven(...path, 'path')) continue;
    for (const key of ['host', 'status']) {
      const message = `${key} is for a check by HTTP, and without path only a TCP connection is tried: add path, such as /healthz, or remove ${key}`;
      if (view.isGiven(...path, key)) yield { rule: 'health-needs-path', path: [...path, key], message };
    }
  }
}

/** `health-timeout`: a check ends before the next one begins. */
export function* healthTimeout(view: View): Iterable<Finding> {
  for (const [name, { healthCheck }] of Object.entries(view.config.backends)) {
    const path = ['backends', name, 'healthCheck'];
    const { timeout, interval } = healthCheck;
    if (timeout === undefined || timeout <= interval || !view.isSound(...path)) continue;
    const message = `a check of ${formatDuration(timeout)} would outlast the interval of ${formatDuration(interval)}: use ${formatDuration(interval)} or less, or a longer interval`;
    yield { rule: 'health-timeout', path: [...path, 'timeout'], message };
  }
}
