/** Wires the corridor: listeners, backends, deadlines, connections. Control starts, drains and closes it here. */
import { formatHostPort } from './address.js';
import { Backend } from './backend/backend.js';
import type { ResolverOptions } from './backend/resolver.js';
import { Connection, type Hall } from './connection.js';
import { Deadlines } from './limits/deadlines.js';
import { Farewell, LOOK_EVERY_MS } from './limits/farewell.js';
import { Listener } from './listener/listener.js';
import type { Observer } from './observer.js';
import { localHeader } from './proxy-header/forward.js';
import type { BackendSettings, DrainSettings, ListenerSettings, Settings } from './settings.js';
import type { ListenerStatus, ProxyStatus } from './status.js';
import { closeFrame, ENGINE_IO_CLOSE } from './tunnel/close-frame.js';

/** Seams for tests. */
export interface ProxyOptions {
  /** How often deadlines are looked at. */
  readonly sweepIntervalMs?: number;
  /** Told of errors that concern a listener and no connection, such as too many open files. */
  readonly acceptFailed?: (listener: string, error: Error) => void;
  /** How names of endpoints are looked up. */
  readonly lookups?: ResolverOptions;
  /** Told each second while WebSockets are being closed: how many were since, and how many connections are left. */
  readonly closed?: (count: number, left: number) => void;
}

const TELL_EVERY_MS = 1_000;

export class UsherProxy {
  private readonly deadlines = new Deadlines();
  private readonly backends: ReadonlyMap<string, Backend>;
  private readonly rooms: readonly ListenerRoom[];
  private state: ProxyStatus['state'] = 'starting';
  private suspended = false;
  private readonly waiting: (() => void)[] = [];
  private readonly followsFrames: boolean;
  private farewell: NodeJS.Timeout | undefined;

  constructor(
    settings: Settings,
    private readonly observer: Observer,
    private readonly options: ProxyOptions = {},
  ) {
    this.followsFrames = settings.drain.style !== 'none';
    this.backends = new Map(settings.backends.map(backend => [backend.name, this.backendOf(backend)]));
    this.rooms = settings.listeners.map(listener => new ListenerRoom(listener, this));
  }

  /** Binds every listener, or none: rejects with `BindError` and gives back what was bound. */
  async start(): Promise<void> {
    try {
      for (const room of this.rooms) await room.bind();
    } catch (error) {
      for (const room of this.rooms) room.suspend();
      for (const room of this.rooms) room.destroy();
      throw error;
    }
    for (const backend of this.backends.values()) {
      this.deadlines.add(backend);
      backend.start();
    }
    this.deadlines.start(this.options.sweepIntervalMs);
    this.state = 'running';
  }

  /** Says in its status that it is about to leave; everything goes on. */
  announceDrain(): void {
    if (this.state === 'running') this.state = 'draining';
  }

  /** Stops accepting; connections that wait for a request end now, the others when their exchange or tunnel ends. */
  drain(): void {
    if (this.suspended) return;
    this.suspended = true;
    this.state = 'draining';
    for (const room of this.rooms) {
      room.suspend();
      room.drain();
    }
  }

  /** Closes WebSockets one after the other, those that open meanwhile behind the others; call it behind {@link drain}. */
  closeWebSockets({ style, code, reason, closeOverMs }: DrainSettings): void {
    if (style === 'none' || this.farewell !== undefined) return;
    const close = closeFrame(code, reason);
    const frames = style === 'socket.io' ? Buffer.concat([ENGINE_IO_CLOSE, close]) : close;
    let toldAt = performance.now();
    let closed = 0;
    let farewell = new Farewell(this.closable(), closeOverMs, toldAt);
    const look = () => {
      const now = performance.now();
      const due = farewell.due(now);
      closed += due.length;
      for (const connection of due) connection.closeWebSocket(frames);
      if (now - toldAt >= TELL_EVERY_MS && closed > 0) {
        this.options.closed?.(closed, this.openConnections);
        toldAt = now;
        closed = 0;
      }
      for (const connection of farewell.late(now)) connection.pressClose();
      if (farewell.isOver) farewell = new Farewell(this.closable(), LOOK_EVERY_MS, now);
    };
    this.farewell = setInterval(look, LOOK_EVERY_MS);
    look();
  }

  private closable(): Connection[] {
    return this.rooms.flatMap(room => room.closable());
  }

  private backendOf(settings: BackendSettings): Backend {
    const { checkHeader } = settings;
    const greeting = checkHeader === undefined ? undefined : localHeader(checkHeader);
    return new Backend(settings, this.observer, greeting, this.options.lookups);
  }

  /** An endpoint gets no new sessions, or gets them again. @returns false: there is no such backend or endpoint */
  drainEndpoint(backend: string, endpoint: string, draining: boolean): boolean {
    return this.backends.get(backend)?.drainEndpoint(endpoint, draining) === true;
  }

  /** Resolves when no connection is open. */
  async empty(): Promise<void> {
    if (this.openConnections === 0) return;
    await new Promise<void>(resolve => {
      this.waiting.push(resolve);
    });
  }

  /** Destroys what is open, and ends. */
  async close(): Promise<void> {
    this.drain();
    for (const room of this.rooms) room.destroy();
    await this.empty();
    this.state = 'closed';
    clearInterval(this.farewell);
    this.deadlines.stop();
    for (const backend of this.backends.values()) backend.close();
  }

  get openConnections(): number {
    return this.rooms.reduce((sum, room) => sum + room.open, 0);
  }

  status(): ProxyStatus {
    return {
      state: this.state,
      listeners: this.rooms.map(room => room.status()),
      backends: [...this.backends.values()].map(backend => backend.status()),
    };
  }

  /** Used by the rooms of the listeners only. */
  hallOf(settings: ListenerSettings, port: number, left: (connection: Connection) => void): Hall {
    const { backends, observer, deadlines, followsFrames } = this;
    const isDraining = () => this.suspended;
    return {
      settings,
      port,
      backends,
      observer,
      deadlines,
      get draining() {
        return isDraining();
      },
      followsFrames,
      bytesToBackend: 0,
      bytesToClient: 0,
      left,
    };
  }

  /** Used by the rooms of the listeners only. */
  connectionLeft(): void {
    if (this.openConnections > 0) return;
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  /** Used by the rooms of the listeners only. */
  acceptFailed(listener: string, error: Error): void {
    this.options.acceptFailed?.(listener, error);
  }
}

let lastId = 0;

/** One listener with its connections. */
class ListenerRoom {
  private readonly listener: Listener;
  private readonly connections = new Set<Connection>();
  private hall: Hall;
  private address: string;

  constructor(
    private readonly settings: ListenerSettings,
    private readonly proxy: UsherProxy,
  ) {
    const { host, port } = settings.listen;
    this.address = formatHostPort(host, port);
    this.hall = proxy.hallOf(settings, port, connection => this.left(connection));
    this.listener = new Listener(settings.listen, {
      accepted: socket => this.accept(socket),
      acceptFailed: error => proxy.acceptFailed(settings.name, error),
    });
  }

  get open(): number {
    return this.connections.size;
  }

  async bind(): Promise<void> {
    const bound = await this.listener.bind();
    this.address = formatHostPort(bound.address, bound.port);
    this.hall = this.proxy.hallOf(this.settings, bound.port, connection => this.left(connection));
  }

  suspend(): void {
    this.listener.suspend();
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
    const { address } = this;
    return { name, address, protocol, proxyProtocol, connectionsOpen: this.open, bytesToBackend, bytesToClient };
  }

  private accept(socket: ConstructorParameters<typeof Connection>[1]): void {
    lastId += 1;
    const connection = new Connection(lastId, socket, this.hall);
    const full = this.connections.size >= this.settings.limits.connections;
    this.connections.add(connection);
    if (full) connection.turnAway('connection-limit');
    else connection.enter();
  }

  private left(connection: Connection): void {
    this.connections.delete(connection);
    this.proxy.connectionLeft();
  }
}
