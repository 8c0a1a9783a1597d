/** Rules about how an endpoint is picked, and how it is checked. */
import { affinityWords, isRemembered, namedAffinity, placement } from './affinity.js';
import { byPosition, formatPath, type Path } from './problem.js';
import { formatDuration } from './units.js';
import type { BackendUse, Finding, View } from './view.js';

/** `affinity-balance`: the key of an affinity decides alone, so another balance would be a promise that is not kept. */
export function* affinityBalance(view: View): Iterable<Finding> {
  for (const [name, { affinity, balance }] of Object.entries(view.config.backends)) {
    if (affinity === undefined || isRemembered(affinity) || balance === undefined || balance === 'hash') continue;
    const message = `${affinityWords(affinity)} hashes its key and so decides alone, which leaves nothing to balance: ${balance}: write balance: hash, or remove one of the two keys`;
    yield { rule: 'affinity-balance', path: ['backends', name, 'balance'], message };
  }
}

/**
 * `affinity-needs-hash` (warning): only a hash is the same in every usher, so that one of several, which has not seen the
 * handshake of a session, finds its endpoint all the same.
 */
export function* affinityNeedsHash(view: View): Iterable<Finding> {
  for (const [name, { affinity, balance, endpoints }] of Object.entries(view.config.backends)) {
    if (affinity?.kind !== 'socket.io' || balance === undefined || balance === 'hash') continue;
    if (endpoints.length === 1 && endpoints[0]?.kind === 'address') continue;
    const message = `with balance: ${balance} only the usher that saw the handshake of a session knows its endpoint, so where a balancer spreads a client over several ushers the others find it by chance: write balance: hash, or remove the key; with a single usher ignore this`;
    yield { rule: 'affinity-needs-hash', severity: 'warning', path: ['backends', name, 'balance'], message };
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

/** `duplicate-cookie-name`: a browser keeps one cookie of a name, so two backends of a site would replace each other's. */
export function* duplicateCookieName(view: View): Iterable<Finding> {
  const names = cookieNames(view);
  const seen: BackendUse[] = [];
  const told = new Set<string>();
  for (const use of view.backendUses().filter(({ backend }) => names.has(backend))) {
    const other = seen.find(
      earlier => names.get(earlier.backend) === names.get(use.backend) && shareBrowsers(earlier, use),
    );
    seen.push(use);
    if (other === undefined) continue;
    const [first, second] = inOrderOfNames(view, other.backend, use.backend);
    if (told.has(second)) continue;
    told.add(second);
    const holder = view.mention(formatPath(['backends', first]), cookieNamePath(first));
    const message = `${names.get(second)} is the cookie of ${holder} already, and ${view.mention(use.owner, use.path)} uses both, so each would replace the other's in a browser: write another name, or remove the key, and it is usher-${second}`;
    yield { rule: 'duplicate-cookie-name', path: cookieNamePath(second), message };
  }
}

/** The name of the cookie of each backend that sets one. */
function cookieNames(view: View): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [backend, { affinity }] of Object.entries(view.config.backends)) {
    const named = affinity && namedAffinity(affinity, backend);
    if (named?.kind === 'cookie') names.set(backend, named.name);
  }
  return names;
}

/** Whether one browser may send what both would have set: cookies stay with the host that set them (RFC 6265 5.3). */
function shareBrowsers(a: BackendUse, b: BackendUse): boolean {
  if (a.name !== b.name || a.backend === b.backend) return false;
  return a.host === undefined || b.host === undefined || a.host === b.host;
}

/** The one to be told last: its name is written. */
function inOrderOfNames(view: View, a: string, b: string): readonly [string, string] {
  const isWritten = (backend: string) => view.isGiven(...cookieNamePath(backend));
  if (isWritten(a) !== isWritten(b)) return isWritten(a) ? [b, a] : [a, b];
  return byPosition(view.place(cookieNamePath(a)), view.place(cookieNamePath(b))) < 0 ? [a, b] : [b, a];
}

function cookieNamePath(backend: string): Path {
  return ['backends', backend, 'affinity', 'cookie', 'name'];
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
