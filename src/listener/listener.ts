/** A bound address: accepts connections, counts them, keeps their number within its limit. */
import net from 'node:net';
import { formatHostPort } from '../address.js';
import { PlainTransport } from '../plain-transport.js';
import type { ListenAddress } from '../settings.js';
import { KEEP_ALIVE_DELAY_MS, type Transport } from '../transport.js';
import { adoptHandles } from './adopt.js';

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

export class Listener {
  private server: net.Server;
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
    this.server = this.createServer();
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
    this.closeServer();
  }

  /** The same for a while: who connects meanwhile is refused by the system, and may go elsewhere. */
  pause(): void {
    if (!this.server.listening) return;
    this.paused = true;
    this.closeServer();
    this.events.pauseChanged?.(true);
  }

  /** Listens again, unless it was suspended. Rejects with {@link BindError}, and still pauses then. */
  async resume(): Promise<void> {
    if (!this.paused) return;
    this.server = this.createServer();
    await this.open();
    if (this.suspended) return this.closeServer();
    this.paused = false;
    this.events.pauseChanged?.(false);
  }

  private closeServer(): void {
    if (this.server.listening) this.server.close();
  }

  private createServer(): net.Server {
    const server = net.createServer({
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_DELAY_MS,
    });
    return server.on('connection', socket => this.events.accepted(new PlainTransport(socket)));
  }

  private open(): Promise<net.AddressInfo> {
    const { server, bound } = this;
    return new Promise((resolve, reject) => {
      const onError = (error: NodeJS.ErrnoException) => reject(new BindError(bound, error.code ?? 'unknown'));
      server.once('error', onError);
      server.listen({ ...bindingOf(bound), backlog: BACKLOG }, () => {
        server.off('error', onError);
        server.on('error', error => this.events.acceptFailed(error));
        adoptHandles(server, transport => this.events.accepted(transport));
        resolve(server.address() as net.AddressInfo);
      });
    });
  }
}
