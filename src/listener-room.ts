/** One listener with its connections, as the proxy keeps it. */
import { isDeepStrictEqual } from 'node:util';
import { formatHostPort } from './address.js';
import type { Backend } from './backend/backend.js';
import { Connection, type Hall } from './connection.js';
import type { Deadlines } from './limits/deadlines.js';
import type { Pausable } from './limits/descriptors.js';
import { Listener, type ListenerEvents } from './listener/listener.js';
import type { Observer } from './observer.js';
import type { ListenAddress, ListenerSettings } from './settings.js';
import type { ListenerStatus } from './status.js';
import type { Transport } from './transport.js';

/** What a room needs of the proxy that it is in. */
export interface RoomHost {
  readonly observer: Observer;
  readonly deadlines: Deadlines;
  /** Nobody new is taken. */
  readonly suspended: boolean;
  readonly followsFrames: boolean;
  /** A connection was accepted and counted. */
  accepted(listener: Pausable): void;
  acceptFailed(name: string, error: Error, listener: Pausable | undefined): void;
  pauseChanged(listener: string, paused: boolean): void;
  /** A connection has left. */
  connectionLeft(): void;
  /** The last connection of a room that is leaving is gone. */
  roomLeft(room: ListenerRoom): void;
}

export function sameAddress(one: ListenAddress, other: ListenAddress): boolean {
  return one.host === other.host && one.port === other.port;
}

/** A class: V8 looks up each property of an object literal with getters by its name, 30 ns for each of a message. */
class RoomHall implements Hall {
  readonly observer: Observer;
  readonly deadlines: Deadlines;
  port: number;
  bytesToBackend = 0;
  bytesToClient = 0;

  constructor(
    public settings: ListenerSettings,
    public backends: ReadonlyMap<string, Backend>,
    private readonly room: ListenerRoom,
    private readonly proxy: RoomHost,
  ) {
    this.observer = proxy.observer;
    this.deadlines = proxy.deadlines;
    this.port = settings.listen.port;
  }

  get draining(): boolean {
    return this.room.leaving || this.proxy.suspended;
  }

  get followsFrames(): boolean {
    return this.proxy.followsFrames;
  }

  left(connection: Connection): void {
    this.room.left(connection);
  }
}

let lastId = 0;

export class ListenerRoom {
  /** A reload has removed it; it is over when its last connection is. */
  leaving = false;
  /** Undefined: another room has it now. */
  listener: Listener | undefined;
  private readonly connections = new Set<Connection>();
  private readonly hall: RoomHall;
  private address: string;
  private pauses = 0;

  constructor(
    private settings: ListenerSettings,
    backends: ReadonlyMap<string, Backend>,
    private readonly proxy: RoomHost,
  ) {
    const { host, port } = settings.listen;
    this.address = formatHostPort(host, port);
    this.hall = new RoomHall(settings, backends, this, proxy);
    this.listener = new Listener(settings.listen, this.events);
  }

  private get events(): ListenerEvents {
    return {
      accepted: transport => this.accept(transport),
      acceptFailed: error => this.proxy.acceptFailed(this.settings.name, error, this.listener),
      pauseChanged: paused => {
        if (paused) this.pauses += 1;
        this.proxy.pauseChanged(this.settings.name, paused);
      },
    };
  }

  get listen(): ListenAddress {
    return this.settings.listen;
  }

  isFor({ name, listen, protocol }: ListenerSettings): boolean {
    const { settings } = this;
    return name === settings.name && protocol === settings.protocol && sameAddress(listen, settings.listen);
  }

  /** For new connections and new requests. One that is leaving keeps what it had. */
  swap(settings: ListenerSettings, backends: ReadonlyMap<string, Backend>): void {
    // Connections compare it: what is the same stays the same.
    if (!isDeepStrictEqual(settings, this.settings)) this.settings = settings;
    this.hall.settings = this.settings;
    this.hall.backends = backends;
  }

  /** The address that `holder` has bound is this one's from now on. */
  takeOver(holder: ListenerRoom): void {
    this.listener = holder.listener;
    holder.listener = undefined;
    this.listener?.handTo(this.events);
    this.address = holder.address;
    this.hall.port = holder.hall.port;
  }

  /** Accepts nobody any more; connections that wait for a request end now, the others by themselves. */
  leave(): void {
    this.leaving = true;
    this.suspend();
    for (const connection of this.connections) connection.drain();
    if (this.open === 0) this.proxy.roomLeft(this);
  }

  get open(): number {
    return this.connections.size;
  }

  async bind(): Promise<void> {
    const bound = await this.listener?.bind();
    if (bound === undefined) return;
    this.address = formatHostPort(bound.address, bound.port);
    this.hall.port = bound.port;
  }

  suspend(): void {
    this.listener?.suspend();
  }

  drain(): void {
    for (const connection of this.connections) connection.drain();
  }

  destroy(): void {
    for (const connection of this.connections) connection.destroy('drain-timeout');
  }

  closable(): Connection[] {
    return [...this.connections].filter(connection => connection.closable);
  }

  status(): ListenerStatus {
    const { name, protocol, proxyProtocol } = this.settings;
    const { bytesToBackend, bytesToClient } = this.hall;
    const { address, open: connectionsOpen, pauses } = this;
    const paused = this.listener?.paused === true;
    const mark = this.leaving ? ({ leaving: true } as const) : {};
    return {
      name,
      address,
      protocol,
      proxyProtocol,
      connectionsOpen,
      ...mark,
      paused,
      pauses,
      bytesToBackend,
      bytesToClient,
    };
  }

  private accept(transport: Transport): void {
    lastId += 1;
    const connection = new Connection(lastId, transport, this.hall);
    const full = this.connections.size >= this.settings.limits.connections;
    this.connections.add(connection);
    if (full) connection.turnAway('connection-limit');
    else connection.enter();
    if (this.listener !== undefined) this.proxy.accepted(this.listener);
  }

  left(connection: Connection): void {
    this.connections.delete(connection);
    if (this.leaving && this.open === 0) this.proxy.roomLeft(this);
    this.proxy.connectionLeft();
  }
}
