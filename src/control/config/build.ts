/** A configuration that has no problems → what the data plane is told. */
import { REFUSED_METHODS } from '../../http/request-head.js';
import type { BackendSettings, ListenerSettings, RouteSettings, Settings } from '../../settings.js';
import { type BackendConfig, backendDefaults, type Config, type ListenerConfig } from './schema.js';

/** Resolves names and fills in the backends that `backendPort` stands for. */
export function buildSettings(config: Config): Settings {
  const listeners = Object.entries(config.listeners);
  const own = listeners.flatMap(([name, { backendPort }]) =>
    backendPort === undefined ? [] : [buildBackend(name, backendDefaults(backendPort))],
  );
  const named = Object.entries(config.backends).map(([name, backend]) => buildBackend(name, backend));
  return {
    listeners: listeners.flatMap(([name, listener]) => buildListener(name, listener)),
    backends: [...own, ...named],
    admin: typeof config.admin === 'object' ? config.admin : undefined,
    log: config.log,
    drain: { timeoutMs: config.drain.timeout },
  };
}

function buildListener(name: string, listener: ListenerConfig): readonly ListenerSettings[] {
  const { listen, protocol, proxyProtocol, forwarded, forwardedProto, timeouts, limits } = listener;
  const allowed = new Set<string>(listener.allowMethods);
  // The rule missing-key has made sure of it.
  if (listen === undefined) return [];
  return [
    {
      name,
      listen,
      protocol,
      proxyProtocol,
      trustedSources: proxyProtocol === 'off' ? undefined : listener.trustedSources,
      routes: buildRoutes(name, listener),
      forwarded,
      forwardedProto,
      refusedMethods: new Set([...REFUSED_METHODS].filter(method => !allowed.has(method))),
      timeouts: {
        proxyHeaderMs: timeouts.proxyHeader,
        requestHeadMs: timeouts.requestHead,
        keepAliveMs: timeouts.keepAlive,
        requestBodyMs: timeouts.requestBody,
        responseMs: timeouts.response,
        responseBodyMs: timeouts.responseBody,
        tunnelMs: timeouts.tunnel,
      },
      limits: {
        connections: limits.connections,
        proxyHeaderBytes: limits.proxyHeader,
        startLineBytes: limits.startLine,
        headBytes: limits.head,
        headFields: limits.headFields,
        requestsPerConnection: limits.requestsPerConnection,
      },
    },
  ];
}

/** In the order in which they are tried; `backend` is the last one, for everything that no route wants. */
function buildRoutes(name: string, { backendPort, backend, routes = [] }: ListenerConfig): readonly RouteSettings[] {
  const fallback = backendPort === undefined ? backend : name;
  const built = routes.map(({ host, path, backend }) => ({ host, path, backend }));
  const hasFallback = built.some(route => route.host === undefined && route.path === '/');
  if (fallback !== undefined && !hasFallback) built.push({ host: undefined, path: '/', backend: fallback });
  return built.sort(
    (a, b) => Number(a.host === undefined) - Number(b.host === undefined) || b.path.length - a.path.length,
  );
}

/** `affinity` and `balance: hash` are one thing in this version: the hash of the client's address. */
function buildBackend(name: string, backend: BackendConfig): BackendSettings {
  const hashed = backend.affinity !== undefined || backend.balance === 'hash';
  return {
    name,
    endpoints: backend.endpoints,
    balance: hashed ? 'hash' : backend.balance,
    affinity: hashed ? 'client-ip' : undefined,
    timeouts: { connectMs: backend.timeouts.connect, idleMs: backend.timeouts.idle },
    limits: { idleConnections: backend.limits.idleConnections },
    checkIntervalMs: backend.checkInterval,
  };
}
