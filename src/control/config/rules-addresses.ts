/** Rules about ports: no two owners of one endpoint, no two listeners on one address, no endpoint that is usher itself. */
import { formatHostPort } from '../../address.js';
import { endpointKey, endpointWords, type HostPort, reaches, sameListen } from './host-port.js';
import { byPosition, formatPath, type Path, placeWords } from './problem.js';
import type { Finding, View } from './view.js';

/** A value that claims an address, and who wrote it: `listeners.chat`, `backends.pool`, `admin`. */
interface Claim {
  readonly path: Path;
  readonly owner: string;
  readonly address: HostPort;
}

/** `duplicate-backend-port`: one endpoint belongs to one listener or one named backend. */
export function* duplicateBackendPort(view: View): Iterable<Finding> {
  const first = new Map<string, Claim>();
  for (const claim of inFileOrder(view, endpointClaims(view))) {
    const key = endpointKey(claim.address);
    const holder = first.get(key);
    if (holder === undefined) first.set(key, claim);
    else yield { rule: 'duplicate-backend-port', path: claim.path, message: duplicateWords(view, holder, claim) };
  }
}

function duplicateWords(view: View, first: Claim, second: Claim): string {
  const port = endpointWords(second.address);
  if (first.owner === second.owner) {
    const places = new Set([placeWords(view.place(first.path)), placeWords(view.place(second.path))]);
    return `${port} is twice in ${first.owner} (${[...places].join(' and ')}): remove one of the two`;
  }
  const firstIs = `${role(first)} of ${view.mention(first.owner, first.path)}`;
  const secondIs = `${role(first) === role(second) ? '' : `${role(second)} `}of ${view.mention(second.owner, second.path)}`;
  return `${port} is ${firstIs} and ${secondIs}; ${duplicateAdvice(isOwnPort(first), isOwnPort(second))}`;
}

function duplicateAdvice(firstIsOwn: boolean, secondIsOwn: boolean): string {
  if (firstIsOwn && secondIsOwn)
    return 'a backend port belongs to one listener: give one of them another port, or name one backend and let both listeners use it';
  if (!firstIsOwn && !secondIsOwn)
    return 'an endpoint belongs to one backend: remove it from one of them, or keep one backend and let every listener name that';
  return 'an endpoint belongs to one listener or one backend: give one of them another port, or let the listener name the backend';
}

function isOwnPort(claim: Claim): boolean {
  return claim.path[0] === 'listeners';
}

function role(claim: Claim): string {
  return isOwnPort(claim) ? 'the backend port' : 'an endpoint';
}

/** `duplicate-listen`: two listeners, or a listener and the admin listener, on one address. */
export function* duplicateListen(view: View): Iterable<Finding> {
  const seen: Claim[] = [];
  for (const claim of inFileOrder(view, listenClaims(view))) {
    const holder = seen.find(earlier => sameListen(earlier.address, claim.address));
    seen.push(claim);
    if (holder === undefined) continue;
    const here = formatHostPort(claim.address.host, claim.address.port);
    const there = formatHostPort(holder.address.host, holder.address.port);
    const taken = here === there ? here : `${here} is taken, because ${there}`;
    const message = `${taken} is where ${view.mention(holder.owner, holder.path)} listens already: give one of them another port`;
    yield { rule: 'duplicate-listen', path: claim.path, message };
  }
}

/** `forwarding-loop`: an endpoint that is one of usher's own listen addresses. */
export function* forwardingLoop(view: View): Iterable<Finding> {
  const listens = inFileOrder(view, listenClaims(view));
  for (const claim of endpointClaims(view)) {
    const own = listens.find(listen => reaches(claim.address, listen.address));
    if (own === undefined) continue;
    const message = `${endpointWords(claim.address)} is where ${view.mention(own.owner, own.path)} listens, so usher would forward to itself: use the port of the backend`;
    yield { rule: 'forwarding-loop', path: claim.path, message };
  }
}

function inFileOrder(view: View, claims: Iterable<Claim>): readonly Claim[] {
  return [...claims].sort((a, b) => byPosition(view.place(a.path), view.place(b.path)));
}

function* endpointClaims(view: View): Iterable<Claim> {
  for (const [name, { backendPort }] of Object.entries(view.config.listeners)) {
    if (backendPort === undefined) continue;
    const path = ['listeners', name, 'backendPort'];
    yield { path, owner: formatPath(path.slice(0, 2)), address: { host: '127.0.0.1', port: backendPort } };
  }
  for (const [name, { endpoints }] of Object.entries(view.config.backends)) {
    const owner = formatPath(['backends', name]);
    for (const [index, address] of endpoints.entries())
      yield { path: ['backends', name, 'endpoints', index], owner, address };
  }
}

function* listenClaims(view: View): Iterable<Claim> {
  for (const [name, { listen }] of Object.entries(view.config.listeners)) {
    if (listen === undefined) continue;
    const path = ['listeners', name, 'listen'];
    yield { path, owner: formatPath(path.slice(0, 2)), address: listen };
  }
  const { admin } = view.config;
  if (typeof admin === 'object' && view.isSound('admin'))
    yield { path: ['admin', 'listen'], owner: 'admin', address: admin.listen };
}
