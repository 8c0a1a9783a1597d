/** What the admin listener answers. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BlockList } from 'node:net';
import process from 'node:process';
import type { ProxyStatus } from '../status.js';

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
  /** Each is started and not waited for. Without `reload` there is no such path. */
  readonly actions: {
    drain(): void;
    reload?(): void;
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
    ['/drain', { POST: act(() => sources.actions.drain()) }],
  ]);
  const { reload } = sources.actions;
  if (reload !== undefined) routes.set('/reload', { POST: act(() => reload()) });

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let answer: Answer;
    try {
      answer = await route(routes, request);
    } catch (fault) {
      failed(fault);
      answer = text(500, 'usher could not make this answer; its log says why');
    }
    send(request, response, answer);
  };
}

function route(routes: ReadonlyMap<string, Route>, request: IncomingMessage): Answer | Promise<Answer> {
  const [path = ''] = (request.url ?? '').split('?', 1);
  const found = routes.get(path);
  if (found === undefined) return text(404, `no such path; there are ${[...routes.keys()].join(', ')}`);
  const answer = Object.hasOwn(found, request.method ?? '') ? found[request.method ?? ''] : undefined;
  if (answer !== undefined) return answer(request);
  const allow = Object.keys(found).join(', ');
  return { ...text(405, `use ${allow}`), allow };
}

function read(answer: () => Answer | Promise<Answer>): Route {
  return { GET: answer, HEAD: answer };
}

/** Something that is only for whoever sits on this host and isn't a web page. */
function act(action: () => void): (request: IncomingMessage) => Answer {
  return request => {
    if (!isLoopback(request.socket.remoteAddress)) return text(403, 'only from a loopback address');
    if (isFromBrowser(request)) return text(403, 'not from a web page');
    action();
    return text(202, 'accepted');
  };
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** The socket's own address counts: the one in a PROXY header is whatever the peer likes. */
function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  return loopback.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
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
