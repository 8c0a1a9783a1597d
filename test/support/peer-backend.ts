/** A backend that tells what it was sent: over HTTP as JSON, over WebSocket as an echo. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from 'tap';
import { type WebSocket, WebSocketServer } from 'ws';

/** One request as the backend saw it; the body of each of its responses. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  /** Names as they came, in order, and repeated when they were. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly bodyBytes: number;
  /** Of the body, in hex. */
  readonly sha256: string;
}

/** A WebSocket at its far end. */
export interface SeenSocket {
  readonly socket: WebSocket;
  readonly fields: SeenRequest['fields'];
  /** Code and reason it was closed with, once it is. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

export interface RunningBackend {
  readonly port: number;
  /** Every WebSocket, in order. Text `close CODE` closes with that code; everything else is sent back. */
  readonly sockets: readonly SeenSocket[];
  /** Resolves when there is a WebSocket of that index. */
  socket(index: number): Promise<SeenSocket>;
}

/**
 * Starts the backend. A request to `/chunked…` is answered in three chunks, to `/large?BYTES` with so many bytes, and
 * any other with its {@link SeenRequest}.
 * @param port left out: the system chooses
 */
export async function startBackend(t: Test, port = 0): Promise<RunningBackend> {
  const server = createServer(answer);
  const webSockets = new WebSocketServer({ server, maxPayload: 16 << 20 });
  const sockets: SeenSocket[] = [];
  webSockets.on('connection', (socket, request) => {
    sockets.push(keep(socket, request));
    server.emit('kept');
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const { socket } of sockets) socket.terminate();
    server.close();
    server.closeAllConnections();
  });
  const socket = async (index: number): Promise<SeenSocket> => {
    for (;;) {
      const found = sockets[index];
      if (found !== undefined) return found;
      await once(server, 'kept');
    }
  };
  return { port: (server.address() as AddressInfo).port, sockets, socket };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const hash = createHash('sha256');
  let bodyBytes = 0;
  request.on('error', () => response.destroy());
  for await (const piece of request as AsyncIterable<Buffer>) {
    hash.update(piece);
    bodyBytes += piece.length;
  }
  const { method = '', url = '' } = request;
  const seen: SeenRequest = { method, url, fields: fieldsOf(request), bodyBytes, sha256: hash.digest('hex') };
  reply(response, url, JSON.stringify(seen));
}

function reply(response: ServerResponse, url: string, body: string): void {
  if (url.startsWith('/large?')) {
    response.end(Buffer.alloc(Number(url.slice(7)), 'large '));
  } else if (url.startsWith('/chunked')) {
    const third = Math.ceil(body.length / 3);
    response.write(body.slice(0, third));
    response.write(body.slice(third, 2 * third));
    response.end(body.slice(2 * third));
  } else {
    response.setHeader('Content-Type', 'application/json');
    response.setHeader('Content-Length', body.length);
    response.end(body);
  }
}

function keep(socket: WebSocket, request: IncomingMessage): SeenSocket {
  socket.on('error', () => socket.terminate());
  socket.on('message', (data, isBinary) => {
    const order = isBinary ? null : /^close (\d+)$/.exec(String(data));
    if (order === null) socket.send(data, { binary: isBinary });
    else socket.close(Number(order[1]), 'as you say');
  });
  const closed = once(socket, 'close').then(([code, reason]) => ({ code: Number(code), reason: String(reason) }));
  return { socket, fields: fieldsOf(request), closed };
}

function fieldsOf({ rawHeaders }: IncomingMessage): [string, string][] {
  const fields: [string, string][] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) fields.push([rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '']);
  return fields;
}

/** All values of a field, whatever its case. */
export function valuesOf(fields: SeenRequest['fields'], name: string): string[] {
  return fields.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
}
