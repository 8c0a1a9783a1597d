/** A bound address: accepts connections, counts them, keeps their number within its limit. */
import net from 'node:net';
import { formatHostPort } from '../address.js';
import { canBeBare } from '../bare-transport.js';
import { type Handles, handles } from '../handles.js';
import { PlainTransport } from '../plain-transport.js';
import type { ListenAddress } from '../settings.js';
import { KEEP_ALIVE_DELAY_MS, type Transport } from '../transport.js';
import { adoptHandles } from './adopt.js';
import { claim } from './claim.js';

const BACKLOG = 4_096;

/** What a listener tells. */
export interface ListenerEvents {
  /** A connection was accepted; it is served in the same tick. */
  accepted(transport: Transport): void;
  /** Accepting failed (out of file descriptors, say); the listener goes on. */
  acceptFailed(error: Error): void;
  /** It pauses, or goes on. */
  pauseChanged?(paused: boolean): void;
}

const WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there (EADDRINUSE)',
  EACCES: 'this user may not use that port (EACCES); choose one above 1023',
  ENOTFOUND: 'this name is not known here (ENOTFOUND); write an address',
  EAI_AGAIN: 'this name could not be looked up (EAI_AGAIN); write an address',
  EADDRNOTAVAIL: 'this machine has no such address (EADDRNOTAVAIL)',
};

/** An address could not be bound; `code` is the system's (`EADDRINUSE`, `EACCES`, …), `why` words that say more than it. */
export class BindError extends Error {
  constructor(
    readonly address: ListenAddress,
    readonly code: string,
    why = WORDS[code] ?? code,
  ) {
    super(`cannot listen on ${formatHostPort(address.host, address.port)}: ${why}`);
  }

  get port(): number {
    return this.address.port;
  }
}

/** Without a host Node binds `::` for both families, or `0.0.0.0` on a machine without IPv6. */
export function bindingOf({ host, port }: ListenAddress): net.ListenOptions {
  return host === '::' ? { port } : { host, port };
}

/**
 * How many sockets accept at one address. Node takes one connection from each in a turn of its event loop, and many busy
 * connections make turns long: of 300 new ones beside 400 busy ones the last had its first response after 3.1 s with one
 * socket, and after 0.6 s with these.
 */
export const DOORS = 8;

/** Whether several sockets accept there. A name may stand for several addresses, so it gets one socket. */
function mayShare({ host }: ListenAddress): boolean {
  return canBeBare() && net.isIP(host) !== 0 && canShare();
}

/** Whether sockets can share an address (SO_REUSEPORT) here: Node can ask for it since 22.12 and 23.1. */
function canShare(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return process.platform === 'linux' && (major > 23 || (major === 22 && minor >= 12) || (major === 23 && minor >= 1));
}

export class Listener {
  private servers: readonly net.Server[] = [];
  private suspended = false;
  /** Takes nobody for a while. */
  paused = false;
  /** As bound: where it listens again. */
  private bound: ListenAddress;

  constructor(
    listen: ListenAddress,
    private events: ListenerEvents,
  ) {
    this.bound = listen;
  }

  /** Binds; rejects with {@link BindError}. */
  async bind(): Promise<net.AddressInfo> {
    const address = await this.open();
    this.bound = { host: this.bound.host, port: address.port };
    return address;
  }

  /** Tells somebody else from now on; the address stays bound all the time. */
  handTo(events: ListenerEvents): void {
    this.events = events;
  }

  /** Stops accepting and gives the port back; connections go on. */
  suspend(): void {
    this.suspended = true;
    this.paused = false;
    this.closeServers();
  }

  /** The same for a while: who connects meanwhile is refused by the system, and may go elsewhere. */
  pause(): void {
    if (this.servers.length === 0) return;
    this.paused = true;
    this.closeServers();
    this.events.pauseChanged?.(true);
  }

  /** Listens again, unless it was suspended. Rejects with {@link BindError}, and still pauses then. */
  async resume(): Promise<void> {
    if (!this.paused) return;
    await this.open();
    if (this.suspended) return;
    this.paused = false;
    this.events.pauseChanged?.(false);
  }

  private closeServers(): void {
    for (const server of this.servers) server.close();
    this.servers = [];
  }

  private async open(): Promise<net.AddressInfo> {
    this.servers = mayShare(this.bound) ? await this.openAll(this.bound) : [await this.listen(this.bound, false)];
    const address = this.servers[0]?.address() as net.AddressInfo;
    if (this.suspended) this.closeServers();
    return address;
  }

  /** With all sockets, where nobody else has the address. */
  private async openAll(place: ListenAddress): Promise<readonly net.Server[]> {
    const port = claim(handles as Handles, place);
    if (typeof port === 'string') throw new BindError(place, port);
    const shared = await this.openShared({ host: place.host, port });
    if (!(shared instanceof BindError)) return shared;
    // Any port will do, and somebody was faster to take this one.
    if (place.port === 0) return this.openAll(place);
    throw shared;
  }

  private async openShared(place: ListenAddress): Promise<readonly net.Server[] | BindError> {
    const doors = Array.from({ length: DOORS }, () => this.listen(place, true));
    const settled = await Promise.allSettled(doors);
    const servers = settled.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []));
    const [fault] = settled.flatMap(each => (each.status === 'rejected' ? [each.reason as BindError] : []));
    return servers.length === 0 && fault !== undefined ? fault : servers;
  }

  private listen(place: ListenAddress, reusePort: boolean): Promise<net.Server> {
    const server = net.createServer({
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
    });
    server.on('connection', socket => this.events.accepted(new PlainTransport(socket)));
    return new Promise((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException) => reject(new BindError(place, error.code ?? 'unknown'));
      server.once('error', onError);
      server.listen({ ...bindingOf(place), backlog: BACKLOG, reusePort }, () => {
        server.off('error', onError);
        server.on('error', error => this.events.acceptFailed(error));
        adoptHandles(server, transport => this.events.accepted(transport));
        resolve(server);
      });
    });
  }
}
