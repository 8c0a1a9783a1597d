/**
 * A small real chat, so that there is something behind usher to look at: a page, `/whoami` and a WebSocket. It knows
 * nothing of usher; like any backend it reads the client from X-Forwarded-For, and its own socket shows usher's.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import { page, pagePolicy } from './page.js';

/** A running chat. */
export interface Chat {
  /** The port it is bound to. */
  readonly port: number;
  /** Says goodbye to everyone (1001) and resolves when the port is free. */
  close(): Promise<void>;
}

export interface ChatOptions {
  /** 0 lets the system choose. */
  readonly port: number;
  readonly host: string;
  /** How often each client is asked whether it is still there; 25 seconds. */
  readonly pingMs?: number;
  /** WebSocket clients at one time; 100. */
  readonly clients?: number;
}

const messageBytes = 4 * 1024;
/** A client that leaves this much unread is dropped instead of buffered for. */
const backlogBytes = 64 * 1024;
const headersOfInterest = ['x-forwarded-for', 'x-real-ip', 'x-forwarded-proto', 'x-forwarded-port', 'forwarded', 'via'];

/**
 * Binds the chat: `GET /`, `/whoami`, `/healthz`, and WebSocket on `/socket`.
 * Rejects with the system's error (`EADDRINUSE`, …) when the address can't be bound.
 */
export async function startChat(options: ChatOptions): Promise<Chat> {
  const room = new Room(options.pingMs ?? 25_000, options.clients ?? 100);
  const server = createServer(answer);
  server.on('upgrade', (request, socket, head) => room.enter(request, socket, head));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        room.close();
        server.closeAllConnections();
      }),
  };
}

/** Everyone who has a WebSocket open, and what they say to each other. */
class Room {
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: messageBytes, perMessageDeflate: false });
  readonly #names = new Map<WebSocket, string>();
  readonly #silent = new Set<WebSocket>();
  readonly #capacity: number;
  readonly #timer: NodeJS.Timeout;
  #closed = false;

  constructor(pingMs: number, capacity: number) {
    this.#capacity = capacity;
    this.#timer = setInterval(() => this.#ping(), pingMs);
    this.#timer.unref();
  }

  enter(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    if (pathOf(request) !== '/socket') {
      refuse(socket, '404 Not Found', 'the WebSocket is at /socket');
    } else if (this.#closed || this.#sockets.clients.size >= this.#capacity) {
      refuse(socket, '503 Service Unavailable', 'the chat is full');
    } else {
      this.#sockets.handleUpgrade(request, socket, head, client => this.#welcome(client, seenBy(request).client));
    }
  }

  #welcome(client: WebSocket, name: string): void {
    this.#names.set(client, name);
    client.on('error', () => client.terminate());
    client.on('pong', () => this.#silent.delete(client));
    client.on('close', () => this.#leave(client, name));
    client.on('message', (data, isBinary) => {
      if (isBinary) {
        client.close(1003, 'text only');
      } else {
        this.#say(`${name}: ${oneLine(String(data))}`);
      }
    });
    client.send(`you are ${name}`);
    this.#say(`${name} joined`);
  }

  #leave(client: WebSocket, name: string): void {
    this.#names.delete(client);
    this.#silent.delete(client);
    if (!this.#closed) {
      this.#say(`${name} left`);
    }
  }

  #say(line: string): void {
    for (const client of this.#names.keys()) {
      if (client.bufferedAmount > backlogBytes) {
        client.terminate();
      } else if (client.readyState === WebSocket.OPEN) {
        client.send(line);
      }
    }
  }

  #ping(): void {
    for (const client of this.#names.keys()) {
      if (this.#silent.has(client)) {
        client.terminate();
      } else {
        this.#silent.add(client);
        client.ping();
      }
    }
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const client of this.#names.keys()) {
      client.close(1001, 'the chat stops');
      // What a close frame can't end within the second is ended without it.
      setTimeout(() => client.terminate(), 1000).unref();
    }
  }
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD');
    reply(response, 405, 'text/plain', 'only GET and HEAD\n');
    return;
  }
  switch (pathOf(request)) {
    case '/':
      response.setHeader('Content-Security-Policy', pagePolicy);
      response.setHeader('Referrer-Policy', 'no-referrer');
      reply(response, 200, 'text/html', page);
      break;
    case '/whoami':
      reply(response, 200, 'application/json', `${JSON.stringify(seenBy(request), null, 2)}\n`);
      break;
    case '/healthz':
      reply(response, 200, 'text/plain', 'ok\n');
      break;
    default:
      reply(response, 404, 'text/plain', 'nothing here\n');
  }
}

/** What the chat can tell about who sent a request: the body of `/whoami`. */
interface Seen {
  /** Whom the chat takes for the client: X-Forwarded-For when it is an address, else the socket's other end. */
  readonly client: string;
  /** Whether `client` came from X-Forwarded-For. */
  readonly forwarded: boolean;
  readonly realIp: string | null;
  readonly proto: string | null;
  readonly port: string | null;
  readonly host: string | null;
  /** What the chat would have to go by without usher. */
  readonly socketAddress: string;
  readonly headers: Readonly<Record<string, string>>;
}

function seenBy(request: IncomingMessage): Seen {
  const field = (name: string): string | null => {
    const value = request.headers[name];
    return value === undefined ? null : String(value).slice(0, 256);
  };
  const socketAddress = (request.socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/, '');
  const forwardedFor = field('x-forwarded-for')?.trim() ?? '';
  const forwarded = isIP(forwardedFor) !== 0;
  const interesting = headersOfInterest.flatMap(name => {
    const value = field(name);
    return value === null ? [] : [[name, value] as const];
  });
  return {
    client: forwarded ? forwardedFor : socketAddress,
    forwarded,
    realIp: field('x-real-ip'),
    proto: field('x-forwarded-proto'),
    port: field('x-forwarded-port'),
    host: field('host'),
    socketAddress,
    headers: Object.fromEntries(interesting),
  };
}

function reply(response: ServerResponse, status: number, type: string, body: string): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { 'Content-Type': `${type}; charset=utf-8`, 'Content-Length': bytes.length });
  response.end(bytes);
}

function refuse(socket: Duplex, status: string, words: string): void {
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${words.length + 1}\r\n` +
      `Connection: close\r\n\r\n${words}\n`,
    () => socket.destroy(),
  );
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

/** Control characters become spaces, so that a message can't pass for several lines. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}
