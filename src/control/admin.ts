/**
 * The admin listener: metrics, health and status, and what operations may ask usher to do. It is control plane and few
 * speak to it, so `node:http` serves it; only the door in front (admin-door.ts) is ours.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { SocketAddress } from '../address.js';
import { bindingOf } from '../listener/listener.js';
import type { ListenAddress } from '../settings.js';
import { watchDoor } from './admin-door.js';
import { type AdminSources, adminRoutes } from './admin-routes.js';
import { isLoopback } from './loopback.js';

export type { AdminSources, Readiness } from './admin-routes.js';

export interface AdminOptions extends AdminSources {
  readonly listen: ListenAddress;
  /** Told of faults in answers, and of failed accepts. */
  readonly logger?: AdminLogger;
  /** From accept to the first byte behind the PROXY header, in total; 3 s. */
  readonly firstBytesMs?: number;
  /** From there to the end of the request's head, give or take a sixth; 3 s. */
  readonly headMs?: number;
  /** Connections beyond this many are closed at once; 256. */
  readonly maxConnections?: number;
  /** How many of them are for loopback peers, whom others must not shut out; 32. */
  readonly loopbackConnections?: number;
  /** How long `close` waits for answers under way; 2 s. */
  readonly closeMs?: number;
}

/** What the admin listener needs of the logger. */
export interface AdminLogger {
  error(fields: object, message: string): void;
}

export interface Admin {
  /** As bound. */
  readonly address: SocketAddress;
  /** Stops listening, ends idle connections, lets answers under way end. */
  close(): Promise<void>;
}

/** Binds the admin listener. Rejects with the system's error where that fails. */
export async function startAdmin(options: AdminOptions): Promise<Admin> {
  const { listen, logger, firstBytesMs = 3000, headMs = 3000, closeMs = 2000 } = options;
  const { maxConnections = 256, loopbackConnections = 32 } = options;
  const fail = (err: unknown): void => logger?.error({ err }, 'the admin listener met an error');
  const server = createServer(
    { headersTimeout: headMs, requestTimeout: 10_000, connectionsCheckingInterval: headMs / 6 },
    adminRoutes(options, fail),
  );
  server.maxConnections = maxConnections;
  // A reader that stops in the middle of an answer is let go.
  server.timeout = 30_000;
  const atDoor = putDoorBefore(server, firstBytesMs, keepFree(maxConnections - loopbackConnections));

  server.listen(bindingOf(listen));
  await once(server, 'listening');
  server.on('error', fail);

  let closed: Promise<void> | undefined;
  return {
    address: boundAddress(server),
    close() {
      closed ??= close(server, atDoor, closeMs);
      return closed;
    },
  };
}

/**
 * Makes a connection pass the door before HTTP sees it. HTTP's own listener is set aside and called by the door: the
 * server stays the one that listens, so that its time limits and its `close` know every connection.
 *
 * @param hasPlace asked once for each connection; one that has none is closed
 * @returns the connections at the door, which HTTP doesn't know yet
 */
function putDoorBefore(
  server: Server,
  firstBytesMs: number,
  hasPlace: (socket: Socket) => boolean,
): ReadonlySet<Socket> {
  const atDoor = new Set<Socket>();
  const serve = server.listeners('connection');
  server.removeAllListeners('connection');

  function enter(socket: Socket): void {
    atDoor.delete(socket);
    for (const listener of serve) listener.call(server, socket);
    socket.resume();
  }

  server.on('connection', (socket: Socket) => {
    if (!hasPlace(socket)) {
      socket.destroy();
      return;
    }
    atDoor.add(socket);
    socket.once('close', () => atDoor.delete(socket));
    watchDoor(socket, firstBytesMs, enter);
  });
  return atDoor;
}

/** Gives peers on other machines so many places and no more, loopback peers any. */
function keepFree(most: number): (socket: Socket) => boolean {
  let taken = 0;
  return socket => {
    if (isLoopback(socket.remoteAddress)) return true;
    if (taken >= most) return false;
    taken += 1;
    socket.once('close', () => {
      taken -= 1;
    });
    return true;
  };
}

function boundAddress(server: Server): SocketAddress {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the admin listener has no address');
  return { address: bound.address, port: bound.port };
}

async function close(server: Server, atDoor: ReadonlySet<Socket>, closeMs: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  for (const socket of atDoor) socket.destroy();
  server.closeIdleConnections();
  const late = setTimeout(() => server.closeAllConnections(), closeMs);
  await closed;
  clearTimeout(late);
}
