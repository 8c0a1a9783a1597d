/**
 * The real Socket.IO at both ends. Its client is the browser's, out of the server's own package, so that the tests
 * need no other: it takes `fetch` and `WebSocket` from the global object as in a browser, and they are put there.
 */
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Server } from 'socket.io';
import type { Test } from 'tap';
import { WebSocket } from 'ws';

/** What the tests use of the client. */
export interface ClientSocket {
  readonly id: string;
  readonly io: {
    readonly engine: { readonly transport: { readonly name: string }; once(event: 'upgrade', told: () => void): void };
    on(event: 'ping', told: () => void): void;
  };
  on(event: string, told: (...values: unknown[]) => void): void;
  once(event: string, told: (...values: unknown[]) => void): void;
  emit(event: string, ...values: unknown[]): void;
  emitWithAck(event: string, ...values: unknown[]): Promise<unknown>;
  disconnect(): void;
}

interface ClientModule {
  readonly Fetch: unknown;
  readonly WebSocket: unknown;
  io(url: string, options: object): ClientSocket;
}

/** The query parameter of a URL that says which local address a client speaks from. */
const FROM = 'from';

function localAddressFor(url: string | URL): string {
  return new URL(url).searchParams.get(FROM) ?? '127.0.0.1';
}

class WebSocketFrom extends WebSocket {
  constructor(url: string | URL) {
    super(url, { localAddress: localAddressFor(url) });
  }
}

/** One agent for each local address. */
const agents = new Map<string, http.Agent>();

function agentFor(localAddress: string): http.Agent {
  const agent = agents.get(localAddress) ?? new http.Agent({ keepAlive: true, localAddress });
  agents.set(localAddress, agent);
  return agent;
}

interface FetchOptions {
  readonly method?: string;
  readonly body?: string | null;
  readonly headers?: Headers;
}

/** As much of `fetch` as the client uses, from a local address of choice. */
function fetchFrom(url: string, { method = 'GET', body, headers }: FetchOptions = {}): Promise<Response> {
  return new Promise((resolve, reject) => {
    const fields = Object.fromEntries(headers ?? []);
    const outgoing = http.request(url, { method, headers: fields, agent: agentFor(localAddressFor(url)) });
    outgoing.on('error', reject);
    outgoing.on('response', async response => {
      const pieces: Buffer[] = [];
      try {
        for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
        resolve(new Response(Buffer.concat(pieces), { status: response.statusCode ?? 0 }));
      } catch (error) {
        reject(error);
      }
    });
    outgoing.end(body ?? undefined);
  });
}

/** The bundle is an ES module in a CommonJS package: Node takes it for one only under another file name. */
async function loadClient(): Promise<ClientModule> {
  const require = createRequire(import.meta.url);
  const bundle = join(dirname(require.resolve('socket.io/package.json')), 'client-dist/socket.io.esm.min.js');
  const dir = await mkdtemp(join(tmpdir(), 'usher-socket-io-'));
  const file = join(dir, 'client.mjs');
  await copyFile(bundle, file);
  const client: ClientModule = await import(pathToFileURL(file).href);
  await rm(dir, { recursive: true });
  return client;
}

let loading: Promise<ClientModule> | undefined;

/**
 * Connects a client that polls first and then upgrades.
 * @param from its local address
 * @param upgrade false: it goes on polling
 */
export async function connectClient(t: Test, port: number, from: string, upgrade = true): Promise<ClientSocket> {
  Object.assign(globalThis, { WebSocket: WebSocketFrom, fetch: fetchFrom });
  loading ??= loadClient();
  const { io, Fetch, WebSocket: Upgraded } = await loading;
  const transports = upgrade ? [Fetch, Upgraded] : [Fetch];
  const options = { transports, query: { [FROM]: from }, forceNew: true, reconnection: false };
  const socket = io(`http://127.0.0.1:${port}`, options);
  t.teardown(() => {
    socket.disconnect();
    agents.get(from)?.destroy();
    agents.delete(from);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('connect_error', reject);
  });
  return socket;
}

export interface RunningSocketIo {
  readonly port: number;
  readonly io: Server;
}

/** A Socket.IO server with a short heartbeat: `echo` is acknowledged with what it brought, `say` goes to everyone. */
export async function startSocketIo(t: Test): Promise<RunningSocketIo> {
  const server = http.createServer();
  const io = new Server(server, { pingInterval: 50, pingTimeout: 10_000, serveClient: false });
  io.on('connection', socket => {
    socket.on('echo', (value: unknown, answer: (value: unknown) => void) => answer(value));
    socket.on('say', (value: unknown) => io.emit('said', value));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    await io.close();
    server.closeAllConnections();
  });
  return { port: (server.address() as AddressInfo).port, io };
}
