/** Rules about ports: no two owners of one endpoint, no two listeners on one address, no endpoint that is usher itself. */
import { formatHostPort } from '../../address.js';
import type { EndpointConfig } from './endpoints.js';
import { endpointKey, endpointWords, type HostPort, reaches, sameListen } from './host-port.js';
import { byPosition, formatPath, type Path, placeWords } from './problem.js';
import { backendDefaults } from './schema.js';
import type { Finding, View } from './view.js';

/** A value that claims an address to bind, and who wrote it: `listeners.chat`, `admin`. */
interface Claim {
  readonly path: Path;
  readonly owner: string;
  readonly address: HostPort;
}

/** An endpoint, or a name in DNS that gives endpoints. */
interface EndpointClaim {
  readonly path: Path;
  readonly owner: string;
  readonly endpoint: EndpointConfig;
}

/** `duplicate-backend-port`: one endpoint, or one name in DNS, belongs to one listener or one named backend. */
export function* duplicateBackendPort(view: View): Iterable<Finding> {
  const first = new Map<string, EndpointClaim>();
  for (const claim of inFileOrder(view, endpointClaims(view))) {
    const key = claimKey(claim.endpoint);
    const holder = first.get(key);
    if (holder === undefined) first.set(key, claim);
    else yield { rule: 'duplicate-backend-port', path: claim.path, message: duplicateWords(view, holder, claim) };
  }
}

/** Equal for two that mean the same endpoints; a name and port that DNS is asked for is what it is as an address. */
function claimKey(endpoint: EndpointConfig): string {
  return endpoint.kind === 'srv' ? `srv ${endpoint.name}` : endpointKey(endpoint.address);
}

function claimWords(endpoint: EndpointConfig): string {
  if (endpoint.kind === 'srv') return `the SRV name ${endpoint.name}`;
  return endpoint.kind === 'dns'
    ? `the DNS name ${formatHostPort(endpoint.address.host, endpoint.address.port)}`
    : endpointWords(endpoint.address);
}

function duplicateWords(view: View, first: EndpointClaim, second: EndpointClaim): string {
  const port = claimWords(second.endpoint);
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

function isOwnPort(claim: EndpointClaim): boolean {
  return claim.path[0] === 'listeners';
}

function role(claim: EndpointClaim): string {
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
    const { endpoint } = claim;
    if (endpoint.kind === 'srv') continue;
    const own = listens.find(listen => reaches(endpoint.address, listen.address));
    if (own === undefined) continue;
    const message = `${claimWords(endpoint)} is where ${view.mention(own.owner, own.path)} listens, so usher would forward to itself: use the port of the backend`;
    yield { rule: 'forwarding-loop', path: claim.path, message };
  }
}

function inFileOrder<C extends { readonly path: Path }>(view: View, claims: Iterable<C>): readonly C[] {
  return [...claims].sort((a, b) => byPosition(view.place(a.path), view.place(b.path)));
}

function* endpointClaims(view: View): Iterable<EndpointClaim> {
  for (const [name, { backendPort }] of Object.entries(view.config.listeners)) {
    if (backendPort === undefined) continue;
    const path = ['listeners', name, 'backendPort'];
    for (const endpoint of backendDefaults(backendPort).endpoints)
      yield { path, owner: formatPath(path.slice(0, 2)), endpoint };
  }
  for (const [name, { endpoints }] of Object.entries(view.config.backends)) {
    const owner = formatPath(['backends', name]);
    for (const [index, endpoint] of endpoints.entries())
      yield { path: ['backends', name, 'endpoints', index], owner, endpoint };
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
