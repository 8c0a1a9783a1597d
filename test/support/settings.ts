/** Settings for tests: everything short and local, port 0 everywhere. */
import { parseCidr } from '../../src/address.js';
import type { BackendSettings, DrainSettings, ListenerSettings, Settings } from '../../src/settings.js';

export type ListenerChanges = Partial<Omit<ListenerSettings, 'timeouts' | 'limits'>> & {
  readonly timeouts?: Partial<ListenerSettings['timeouts']>;
  readonly limits?: Partial<ListenerSettings['limits']>;
};

export type BackendChanges = Partial<Omit<BackendSettings, 'timeouts' | 'limits'>> & {
  readonly timeouts?: Partial<BackendSettings['timeouts']>;
  readonly limits?: Partial<BackendSettings['limits']>;
};

export const LOOPBACK = ['127.0.0.0/8', '::1/128'].flatMap(text => parseCidr(text) ?? []);

/** A listener on 127.0.0.1 that expects a PROXY header and sends everything to the backend `chat`. */
export function listenerSettings(changes: ListenerChanges = {}): ListenerSettings {
  return {
    name: 'chat',
    listen: { host: '127.0.0.1', port: 0 },
    protocol: 'http',
    proxyProtocol: 'required',
    trustedSources: LOOPBACK,
    routes: [{ host: undefined, path: '/', backend: 'chat' }],
    forwarded: false,
    forwardedProto: 'auto',
    sendProxyProtocol: undefined,
    refusedMethods: new Set(['CONNECT', 'TRACE']),
    ...changes,
    timeouts: {
      proxyHeaderMs: 5_000,
      requestHeadMs: 5_000,
      keepAliveMs: 5_000,
      requestBodyMs: 5_000,
      responseMs: 5_000,
      responseBodyMs: 0,
      tunnelMs: 60_000,
      ...changes.timeouts,
    },
    limits: {
      connections: 20_000,
      proxyHeaderBytes: 4_112,
      startLineBytes: 8_192,
      headBytes: 32_768,
      headFields: 100,
      requestsPerConnection: 10_000,
      ...changes.limits,
    },
  };
}

/** The backend `chat` with endpoints on 127.0.0.1. */
export function backendSettings(ports: readonly number[], changes: BackendChanges = {}): BackendSettings {
  return {
    name: 'chat',
    endpoints: ports.map(port => ({ host: '127.0.0.1', port, weight: 1 })),
    dns: [],
    balance: 'round-robin',
    affinity: undefined,
    loadBound: undefined,
    healthCheck: { http: undefined, intervalMs: 60_000, timeoutMs: 1_000, rise: 1, fall: 1 },
    slowStartMs: 0,
    holdForMs: 0,
    checkHeader: undefined,
    ...changes,
    timeouts: { connectMs: 2_000, idleMs: 4_000, ...changes.timeouts },
    limits: { idleConnections: 256, ...changes.limits },
  };
}

export function settingsOf(listeners: readonly ListenerSettings[], backends: readonly BackendSettings[]): Settings {
  return {
    listeners,
    backends,
    admin: undefined,
    log: { level: 'info', access: false, format: 'json' },
    drain: drainSettings(),
  };
}

/** Nothing is waited for. */
export function drainSettings(changes: Partial<DrainSettings> = {}): DrainSettings {
  return {
    timeoutMs: 1_000,
    deregisterDelayMs: 0,
    closeOverMs: 0,
    failReadiness: true,
    style: 'close-frame',
    code: 1012,
    reason: 'service restart',
    ...changes,
  };
}
