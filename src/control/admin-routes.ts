/** What the admin listener answers. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import process from 'node:process';
import type { BackendStatus, EndpointStatus, ProxyStatus } from '../status.js';
import { isLocalHost, isLoopback } from './loopback.js';
import type { ReloadOutcome } from './reload.js';

/** Whether traffic may come, and if not, why: a sentence for a person. */
export type Readiness = boolean | { readonly ready: boolean; readonly why: string };

/** What `/metrics` needs of a prom-client registry. */
export interface MetricsText {
  readonly contentType: string;
  metrics(): Promise<string>;
}

export interface AdminSources {
  readonly registry: MetricsText;
  readonly status: () => ProxyStatus;
  readonly ready: () => Readiness;
  /** usher's own. */
  readonly version: string;
  /** Without `reload` or `drainEndpoint` there is no such path. */
  readonly actions: {
    /** Started and not waited for. */
    drain(): void;
    /** Waited for. Never rejects. */
    reload?(): Promise<ReloadOutcome>;
    /** @returns false: there is no such backend or endpoint */
    drainEndpoint?(backend: string, endpoint: string, draining: boolean): boolean;
  };
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
  readonly allow?: string;
}

type Route = Readonly<Record<string, (request: IncomingMessage) => Answer | Promise<Answer>>>;

/** A request listener for `node:http`. `failed` is told what went wrong while an answer was made; it was a 500 then. */
export function adminRoutes(sources: AdminSources, failed: (fault: unknown) => void) {
  const routes = new Map<string, Route>([
    ['/metrics', read(() => metrics(sources.registry))],
    ['/livez', read(() => text(200, 'ok'))],
    ['/readyz', read(() => readiness(sources.ready()))],
    ['/status', read(() => statusJson(sources))],
    ['/drain', { POST: start(() => sources.actions.drain()) }],
  ]);
  const { reload } = sources.actions;
  if (reload !== undefined) routes.set('/reload', { POST: act(async () => reloadAnswer(await reload())) });

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let answer: Answer;
    try {
      answer = await route(routes, sources, request);
    } catch (fault) {
      failed(fault);
      answer = text(500, 'usher could not make this answer; its log says why');
    }
    send(request, response, answer);
  };
}

function route(
  routes: ReadonlyMap<string, Route>,
  sources: AdminSources,
  request: IncomingMessage,
): Answer | Promise<Answer> {
  const [path = ''] = (request.url ?? '').split('?', 1);
  if (!PROBES.has(path) && isRebound(request)) {
    return text(
      403,
      'who asks from this machine names it by an IP address or localhost: ask for http://127.0.0.1, with the port',
    );
  }
  const found = routes.get(path) ?? endpointRoute(path, sources);
  if (found === undefined) {
    const known = [...routes.keys(), ...(sources.actions.drainEndpoint === undefined ? [] : ENDPOINT_PATHS)];
    return text(404, `no such path; there are ${known.join(', ')}`);
  }
  const answer = Object.hasOwn(found, request.method ?? '') ? found[request.method ?? ''] : undefined;
  if (answer !== undefined) return answer(request);
  const allow = Object.keys(found).join(', ');
  return { ...text(405, `use ${allow}`), allow };
}

function read(answer: () => Answer | Promise<Answer>): Route {
  return { GET: answer, HEAD: answer };
}

/** Something that is only for whoever sits on this host and isn't a web page. */
function act<A extends Answer | Promise<Answer>>(action: () => A): (request: IncomingMessage) => Answer | A {
  return request => {
    if (!isLoopback(request.socket.remoteAddress)) return text(403, 'only from a loopback address');
    if (isFromBrowser(request)) return text(403, 'not from a web page');
    return action();
  };
}

function start(action: () => void): (request: IncomingMessage) => Answer {
  return act(() => {
    action();
    return text(202, 'accepted');
  });
}

const RELOAD_STATUS: Readonly<Record<ReloadOutcome['kind'], number>> = {
  reloaded: 200,
  'bad-configuration': 422,
  'cannot-bind': 409,
  refused: 503,
  failed: 500,
};

function reloadAnswer({ kind, lines }: ReloadOutcome): Answer {
  return text(RELOAD_STATUS[kind], lines.join('\n'));
}

const ENDPOINT_PATH = /^\/backends\/([^/]+)\/endpoints\/([^/]+)\/(drain|undrain)$/;
const ENDPOINT_PATHS = ['drain', 'undrain'].map(verb => `/backends/NAME/endpoints/ADDRESS/${verb}`);

/** The path of one endpoint: ADDRESS is host:port or [v6]:port as in `/status`, and may be percent-encoded. */
function endpointRoute(path: string, sources: AdminSources): Route | undefined {
  const { drainEndpoint } = sources.actions;
  const [, name, address, verb] = ENDPOINT_PATH.exec(path) ?? [];
  if (drainEndpoint === undefined || name === undefined || address === undefined) return undefined;
  return { POST: act(() => drainAnswer(sources, decodeOnce(name), decodeOnce(address), verb === 'drain')) };
}

/** Undefined where it is not percent-encoded UTF-8. What comes out is compared and never decoded again. */
function decodeOnce(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

function drainAnswer(
  { status, actions }: AdminSources,
  name: string | undefined,
  address: string | undefined,
  draining: boolean,
): Answer {
  if (name === undefined || address === undefined) return text(400, 'the path is not percent-encoded UTF-8');
  const { backends } = status();
  const backend = backends.find(each => each.name === name);
  if (backend === undefined) return text(404, `no such backend; there are ${listed(backends.map(each => each.name))}`);
  if (actions.drainEndpoint?.(name, address, draining) !== true) {
    const known = listed(backend.endpoints.map(each => each.address));
    return text(404, `backend ${name} has no such endpoint; it has ${known}`);
  }
  const endpoint = backend.endpoints.find(each => each.address === address);
  if (endpoint === undefined) return text(200, absentWords(name, address, draining));
  return text(200, draining ? drainWords(backend, endpoint) : undrainWords(backend, endpoint));
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}

/** @param endpoint as it was before, as is the one of {@link undrainWords} */
function drainWords({ name, endpoints }: BackendStatus, endpoint: EndpointStatus): string {
  const { address, draining, active } = endpoint;
  const what = `${address} of backend ${name} ${draining ? 'was draining already' : 'is draining'}`;
  const isLeft = endpoints.some(each => each !== endpoint && each.up && !each.draining);
  const rule = isLeft
    ? 'new sessions avoid it, known ones keep it'
    : 'known sessions keep it, and new ones may come all the same, because no other endpoint is up and stays';
  return `${what}: ${rule}; ${active} active there`;
}

function absentWords(name: string, address: string, draining: boolean): string {
  const what = `${address} of backend ${name} ${draining ? 'is draining' : 'no longer drains'}`;
  return `${what}: DNS or a reload has left it out, so that only known sessions may come`;
}

function undrainWords({ name }: BackendStatus, { address, draining, active }: EndpointStatus): string {
  const what = `${address} of backend ${name} ${draining ? 'no longer drains' : 'was not draining'}`;
  return `${what}: new sessions may come; ${active} active there`;
}

/** What says nothing but whether usher is well, so that anybody may ask by any name. */
const PROBES: ReadonlySet<string> = new Set(['/livez', '/readyz']);

/** Whether a page of another site may be behind a request from this machine; without Host (HTTP/1.0) it is no browser. */
function isRebound({ socket, headers: { host } }: IncomingMessage): boolean {
  return host !== undefined && isLoopback(socket.remoteAddress) && !isLocalHost(host);
}

/**
 * A page in a browser on this host reaches loopback ports too, under any name (DNS rebinding), and browsers send a
 * POST across sites without asking first. They mark it with these fields, which scripts can't remove.
 */
function isFromBrowser({ headers }: IncomingMessage): boolean {
  return headers.origin !== undefined || headers['sec-fetch-site'] !== undefined;
}

async function metrics(registry: MetricsText): Promise<Answer> {
  return { status: 200, type: registry.contentType, body: await registry.metrics() };
}

function readiness(state: Readiness): Answer {
  const { ready, why } = typeof state === 'boolean' ? { ready: state, why: 'not ready' } : state;
  return ready ? text(200, 'ready') : text(503, why);
}

function statusJson({ status, version }: AdminSources): Answer {
  const picture = {
    version,
    node: process.version,
    pid: process.pid,
    uptimeSeconds: Math.round(process.uptime()),
    ...status(),
  };
  return { status: 200, type: 'application/json', body: `${JSON.stringify(picture, undefined, 2)}\n` };
}

function text(status: number, line: string): Answer {
  return { status, body: `${line}\n` };
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer): void {
  response.writeHead(answer.status, {
    'Content-Type': answer.type ?? 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(answer.body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(answer.allow === undefined ? {} : { Allow: answer.allow }),
    // Nobody reads a body here, so a connection that carries one ends with the answer.
    ...(hasBody(request) ? { Connection: 'close' } : {}),
  });
  response.end(answer.body);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}
