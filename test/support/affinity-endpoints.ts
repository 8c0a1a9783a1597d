/** Endpoints of the affinity tests: real Socket.IO servers that can die, and plain servers that say who they are. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Server } from 'socket.io';
import type { Test } from 'tap';
import { serveHttp } from './http.js';

export interface SocketIoEndpoint {
  readonly port: number;
  /** As usher calls it. */
  readonly label: string;
  /** How many sessions it has. */
  readonly sessions: number;
  /** Whether it has the Socket.IO socket of that id. */
  has(id: string): boolean;
  /** Resets every connection and accepts none any more, as a process does that is killed. */
  kill(): void;
}

/** How a handshake is answered: as Engine.IO does it, or byte by byte, each of them a chunk. */
export type HandshakeForm = 'length' | 'chunks';

/** A Socket.IO server for both revisions of Engine.IO that acknowledges `echo` with what it brought. */
export async function startSocketIo(t: Test, form: HandshakeForm = 'length'): Promise<SocketIoEndpoint> {
  const sockets = new Set<Socket>();
  const server = http.createServer();
  const io = new Server(server, { allowEIO3: true, serveClient: false });
  if (form === 'chunks') server.prependListener('request', answerInChunks);
  server.on('connection', socket => sockets.add(socket.once('close', () => sockets.delete(socket))));
  io.on('connection', socket => {
    socket.on('echo', (value: unknown, answer: (value: unknown) => void) => answer(value));
  });
  const kill = () => {
    server.close();
    for (const socket of sockets) socket.resetAndDestroy();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    io.engine.close();
    kill();
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    label: `127.0.0.1:${port}`,
    get sessions() {
      return io.engine.clientsCount;
    },
    has: id => io.sockets.sockets.has(id),
    kill,
  };
}

/** Takes Content-Length out of the answer to a handshake, and gives each byte a write and a turn of its own. */
function answerInChunks({ url = '' }: http.IncomingMessage, response: http.ServerResponse): void {
  if (url.includes('sid=')) return;
  const { writeHead, end } = response;
  Object.assign(response, {
    writeHead: (status: number, { 'Content-Length': _, ...headers }: http.OutgoingHttpHeaders) =>
      writeHead.call(response, status, headers),
    end: async (content: string) => {
      for (const byte of Buffer.from(content)) {
        response.write(Buffer.of(byte));
        await new Promise(resolve => setImmediate(resolve));
      }
      response.end = end;
      response.end();
    },
  });
}

export interface NamedEndpoint {
  readonly port: number;
  readonly label: string;
  kill(): void;
}

/**
 * A plain HTTP server that names itself in `X-Endpoint`, in responses and in the 101 of an upgrade.
 * @param content of every response
 */
export async function startNamed(t: Test, content = () => ''): Promise<NamedEndpoint> {
  const { port, server } = await serveHttp(t, (_request, response) => {
    response.writeHead(200, { 'X-Endpoint': label, 'Set-Cookie': 'own=1' });
    response.end(content());
  });
  const label = `127.0.0.1:${port}`;
  server.on('upgrade', (_request, socket: Duplex) => {
    socket.end(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Endpoint: ${label}\r\n\r\n`,
    );
  });
  const kill = () => {
    server.close();
    server.closeAllConnections();
  };
  return { port, label, kill };
}
