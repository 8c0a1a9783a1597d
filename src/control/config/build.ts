/** A configuration that has no problems → what the data plane is told. */
import { REFUSED_METHODS } from '../../http/request-head.js';
import type {
  BackendSettings,
  DnsSettings,
  EndpointSettings,
  HealthCheckSettings,
  ListenerSettings,
  RouteSettings,
  Settings,
} from '../../settings.js';
import { namedAffinity, placement } from './affinity.js';
import { checkTimeout } from './health-check.js';
import { type BackendConfig, backendDefaults, type Config, type ListenerConfig } from './schema.js';

/** Resolves names and fills in the backends that `backendPort` stands for. */
export function buildSettings(config: Config): Settings {
  const listeners = Object.entries(config.listeners);
  const sent = sentHeaders(config);
  const own = listeners.flatMap(([name, { backendPort }]) =>
    backendPort === undefined ? [] : [buildBackend(name, backendDefaults(backendPort), sent.get(name))],
  );
  const named = Object.entries(config.backends).map(([name, backend]) => buildBackend(name, backend, sent.get(name)));
  return {
    listeners: listeners.flatMap(([name, listener]) => buildListener(name, listener)),
    backends: [...own, ...named],
    admin: typeof config.admin === 'object' ? config.admin : undefined,
    log: config.log,
    drain: {
      timeoutMs: config.drain.timeout,
      deregisterDelayMs: config.drain.deregisterDelay,
      closeOverMs: config.drain.closeOver,
      failReadiness: config.drain.failReadiness,
      style: config.drain.style,
      code: config.drain.code,
      reason: config.drain.reason,
    },
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
      sendProxyProtocol: listener.sendProxyProtocol,
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

/** The PROXY header that each backend gets from its listeners; the rule mixed-send-proxy has made sure that they agree. */
function sentHeaders({ listeners }: Config): ReadonlyMap<string, 'v1' | 'v2'> {
  const sent = new Map<string, 'v1' | 'v2'>();
  for (const [name, { sendProxyProtocol, backendPort, backend }] of Object.entries(listeners)) {
    const target = backendPort === undefined ? backend : name;
    if (sendProxyProtocol !== undefined && target !== undefined) sent.set(target, sendProxyProtocol.version);
  }
  return sent;
}

function buildBackend(name: string, backend: BackendConfig, checkHeader: 'v1' | 'v2' | undefined): BackendSettings {
  const { affinity, balance, healthCheck } = backend;
  return {
    name,
    ...buildEndpoints(backend.endpoints),
    balance: placement(balance, affinity),
    affinity: buildAffinity(name, backend),
    loadBound: backend.loadBound,
    healthCheck: buildHealthCheck(healthCheck),
    slowStartMs: backend.slowStart,
    holdForMs: backend.holdFor,
    checkHeader,
    timeouts: { connectMs: backend.timeouts.connect, idleMs: backend.timeouts.idle },
    limits: { idleConnections: backend.limits.idleConnections },
  };
}

function buildAffinity(name: string, { affinity, balance }: BackendConfig): BackendSettings['affinity'] {
  if (affinity !== undefined) return namedAffinity(affinity, name);
  return balance === 'hash' ? { kind: 'client-ip' } : undefined;
}

function buildEndpoints(items: BackendConfig['endpoints']): Pick<BackendSettings, 'endpoints' | 'dns'> {
  const endpoints: EndpointSettings[] = [];
  const dns: DnsSettings[] = [];
  for (const item of items) {
    if (item.kind === 'srv') dns.push({ kind: 'srv', name: item.name });
    else if (item.kind === 'address') endpoints.push({ ...item.address, weight: item.weight });
    else dns.push({ kind: 'address', name: item.address.host, port: item.address.port, weight: item.weight });
  }
  return { endpoints, dns };
}

function buildHealthCheck(check: BackendConfig['healthCheck']): HealthCheckSettings {
  const { path, host, status: statuses, interval, rise, fall } = check;
  return {
    http: path === undefined ? undefined : { path, host, statuses },
    intervalMs: interval,
    timeoutMs: checkTimeout(check),
    rise,
    fall,
  };
}
