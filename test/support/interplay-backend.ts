/** The Node server at the far end of the interplay tests: `node:http` and `ws`, and each answer says who asked. */
import { createHash, randomBytes } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Test } from 'tap';
import { WebSocketServer } from 'ws';

/** `/file.bin`, here and where nginx serves it. */
export const FILE = randomBytes(300_000);
const ETAG = '"seat-7"';

/** The field of every response in which the backend says whom it was told the client is. */
export const SAW_CLIENT = 'X-Saw-Client';

export interface InterplayBackend {
  readonly port: number;
  /** Whom X-Forwarded-For named, one for each request and WebSocket that came here. */
  readonly clients: string[];
  /** For a client that fetches what it shall do: gives it an order, and resolves with what it reports. */
  order(text: string): Promise<string>;
  /** What `/` shows. */
  page: string;
}

export async function startInterplayBackend(t: Test): Promise<InterplayBackend> {
  const orders = new Orders();
  const clients: string[] = [];
  const backend = { clients, order: (text: string) => orders.give(text), page: '' };
  const server = http.createServer((request, response) => {
    clients.push(clientOf(request));
    response.setHeader(SAW_CLIENT, clientOf(request));
    request.on('error', () => response.destroy());
    void answer(request, response, orders, backend.page);
  });
  const webSockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    clients.push(clientOf(request));
    if (request.url === '/socket') webSockets.handleUpgrade(request, socket, head, far => echo(far, request));
    else refuseUpgrade(request, socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const far of webSockets.clients) far.terminate();
    server.close();
    server.closeAllConnections();
  });
  return Object.assign(backend, { port: (server.address() as AddressInfo).port });
}

function clientOf({ headers }: IncomingMessage): string {
  return String(headers['x-forwarded-for']);
}

async function answer(request: IncomingMessage, response: ServerResponse, orders: Orders, page: string): Promise<void> {
  const { pathname } = new URL(request.url ?? '', 'http://chat.example');
  if (pathname === '/early') response.writeHead(413).end('too large');
  else if (pathname === '/file.bin') sendFile(request, response);
  else if (pathname === '/upload') response.end(JSON.stringify(await received(request)));
  else if (pathname === '/order') response.end(await orders.next());
  else if (pathname === '/report') {
    orders.report(String(await read(request)));
    response.end('thanks');
  } else if (pathname === '/') response.setHeader('Content-Type', 'text/html').end(page);
  else response.end(`you asked for ${request.url}`);
}

function sendFile(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('ETag', ETAG);
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  if (request.headers['if-none-match'] === ETAG) response.writeHead(304).end();
  else if (range === null) {
    response.setHeader('Content-Length', FILE.length);
    response.end(request.method === 'HEAD' ? undefined : FILE);
  } else {
    const [first, last] = [Number(range[1]), Number(range[2])];
    response.setHeader('Content-Range', `bytes ${first}-${last}/${FILE.length}`);
    response.setHeader('Content-Length', last + 1 - first);
    response.writeHead(206).end(FILE.subarray(first, last + 1));
  }
}

/** What `/upload` answers about a body. */
export interface Received {
  readonly bytes: number;
  readonly sha256: string;
  readonly chunked: boolean;
}

async function received(request: IncomingMessage): Promise<Received> {
  const body = await read(request);
  return { bytes: body.length, sha256: sha256(body), chunked: request.headers['transfer-encoding'] === 'chunked' };
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function echo(far: import('ws').WebSocket, request: IncomingMessage): void {
  far.on('error', () => far.terminate());
  far.on('message', (data, isBinary) => {
    if (!isBinary && String(data) === 'who am I') far.send(clientOf(request));
    else far.send(data, { binary: isBinary });
  });
}

function refuseUpgrade(request: IncomingMessage, socket: Duplex): void {
  const body = 'no seat';
  const fields = [`Content-Length: ${body.length}`, `${SAW_CLIENT}: ${clientOf(request)}`, 'Connection: close'];
  socket.on('error', () => socket.destroy());
  socket.end(['HTTP/1.1 403 Forbidden', ...fields, '', body].join('\r\n'));
}

/** Orders that wait to be fetched, and the reports that come back; one at a time. */
class Orders {
  private readonly news = new EventEmitter();
  private waiting: string | undefined;

  async give(text: string): Promise<string> {
    const reported = once(this.news, 'report');
    this.waiting = text;
    this.news.emit('order');
    return String((await reported)[0]);
  }

  async next(): Promise<string> {
    while (this.waiting === undefined) await once(this.news, 'order');
    const text = this.waiting;
    this.waiting = undefined;
    return text;
  }

  report(text: string): void {
    this.news.emit('report', text);
  }
}
