/** Endpoints of usher's backends that are on usher's own machine: what a balancer may reach past usher. */
import type { BackendSettings, Settings } from '../settings.js';
import type { ConfigPlace } from './place.js';
import type { Sidecar } from './sidecar.js';

/** An endpoint by its index in its backend. */
export interface OwnEndpoint {
  readonly backend: BackendSettings;
  readonly index: number;
}

/** The endpoint on a port of this machine; undefined: no backend has one there. */
export function ownEndpoint({ backends }: Settings, port: number): OwnEndpoint | undefined {
  for (const backend of backends) {
    const index = backend.endpoints.findIndex(endpoint => endpoint.port === port && isLoopback(endpoint.host));
    if (index >= 0) return { backend, index };
  }
  return undefined;
}

/** Where an endpoint stands: `backendPort: 3000` in its listener, others in their backend. */
export function endpointPlace(sidecar: Sidecar, { backend, index }: OwnEndpoint): ConfigPlace {
  const owner = sidecar.place('listeners', backend.name);
  const own = sidecar.place('listeners', backend.name, 'backendPort');
  // Of a key that was left out, the place is that of its owner.
  const written = own.line !== owner.line || own.column !== owner.column;
  return written ? own : sidecar.place('backends', backend.name, 'endpoints', index);
}

/** Whether a host of a configuration is reached from its own machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}
