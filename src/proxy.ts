/** Wires the corridor: listeners, backends, deadlines, connections. Control starts, drains and closes it here. */
import { isDeepStrictEqual } from 'node:util';
import { formatHostPort } from './address.js';
import { Backend } from './backend/backend.js';
import type { ResolverOptions } from './backend/resolver.js';
import { Connection, type Hall } from './connection.js';
import { Deadlines } from './limits/deadlines.js';
import { Descriptors, type OpenFiles, type Pausable } from './limits/descriptors.js';
import { Farewell, LOOK_EVERY_MS } from './limits/farewell.js';
import { BindError, Listener, type ListenerEvents } from './listener/listener.js';
import type { Observer } from './observer.js';
import { localHeader } from './proxy-header/forward.js';
import type { BackendSettings, DrainSettings, ListenAddress, ListenerSettings, Settings } from './settings.js';
import type { FormerListener, ListenerStatus, ProxyStatus } from './status.js';
import { closeFrame, ENGINE_IO_CLOSE } from './tunnel/close-frame.js';

/** Seams for tests. */
export interface ProxyOptions {
  /** How often deadlines are looked at. */
  readonly sweepIntervalMs?: number;
  /** Told of errors that concern a listener and no connection, such as too many open files. */
  readonly acceptFailed?: (listener: string, error: Error) => void;
  /** Left out: how many files may be open is unknown, and no listener is paused for want of them. */
  readonly openFiles?: OpenFiles | undefined;
  /** Told when a listener pauses because few files may still be opened, and when it goes on. */
  readonly pauseChanged?: (listener: string, paused: boolean) => void;
  /** How names of endpoints are looked up. */
  readonly lookups?: ResolverOptions;
  /** Told each second while WebSockets are being closed: how many were since, and how many connections are left. */
  readonly closed?: (count: number, left: number) => void;
}

const TELL_EVERY_MS = 1_000;

export class UsherProxy {
  private readonly deadlines = new Deadlines();
  private backends: ReadonlyMap<string, Backend>;
  /** Those that are leaving, too. */
  private rooms: readonly ListenerRoom[];
  private readonly formerListeners = new Map<string, FormerListener>();
  private readonly leavingBackends = new Map<string, Backend>();
  private swapping = false;
  private state: ProxyStatus['state'] = 'starting';
  private suspended = false;
  private readonly waiting: (() => void)[] = [];
  private followsFrames: boolean;
  private farewell: NodeJS.Timeout | undefined;
  private descriptors: Descriptors | undefined;

  constructor(
    settings: Settings,
    private readonly observer: Observer,
    private readonly options: ProxyOptions = {},
  ) {
    this.followsFrames = settings.drain.style !== 'none';
    this.backends = new Map(settings.backends.map(backend => [backend.name, this.backendOf(backend)]));
    this.rooms = settings.listeners.map(listener => new ListenerRoom(listener, this.backends, this));
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
    for (const backend of this.backends.values()) this.startBackend(backend);
    this.watchDescriptors();
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

  private watchDescriptors(): void {
    const { openFiles } = this.options;
    if (openFiles === undefined) return;
    this.descriptors = new Descriptors(
      openFiles,
      () => this.openConnections,
      () => this.rooms,
    );
    this.deadlines.add(this.descriptors);
  }

  private backendOf(settings: BackendSettings): Backend {
    return new Backend(settings, this.observer, greetingOf(settings), this.options.lookups);
  }

  // ---- reload: one call at a time ----

  /**
   * From now on these settings count, for what begins from now on: all of them, or none. What is under way is never
   * touched. Rejects with `BindError` when an address that is new can't be had; nothing has changed then.
   * @returns false: usher doesn't run, or not any more, and nothing has changed
   */
  async swap(settings: Settings): Promise<boolean> {
    if (!this.running) return false;
    const backends = this.backendsFor(settings.backends);
    const places = this.placesFor(settings.listeners, backends);
    await this.bindNew(places);
    if (!this.running) {
      abandon(places);
      return false;
    }
    this.followsFrames = settings.drain.style !== 'none';
    this.swapBackends(settings.backends, backends);
    this.swapRooms(places);
    return true;
  }

  private get running(): boolean {
    return this.state === 'running';
  }

  private backendsFor(settings: readonly BackendSettings[]): ReadonlyMap<string, Backend> {
    const known = (name: string) => this.backends.get(name) ?? this.leavingBackends.get(name);
    return new Map(settings.map(each => [each.name, known(each.name) ?? this.backendOf(each)]));
  }

  /** A listener stays where its name, address and protocol stay; an address that is bound already changes hands. */
  private placesFor(listeners: readonly ListenerSettings[], backends: ReadonlyMap<string, Backend>): readonly Place[] {
    const rooms = this.rooms.filter(({ leaving }) => !leaving);
    const staying = new Map(listeners.map(each => [each, rooms.find(room => room.isFor(each))]));
    const free = rooms.filter(room => ![...staying.values()].includes(room));
    return listeners.map(settings => {
      const room = staying.get(settings);
      if (room !== undefined) return { kind: 'stays', room, settings, backends };
      const fresh = new ListenerRoom(settings, backends, this);
      const holder = free.find(({ listen }) => sameAddress(listen, settings.listen));
      if (holder === undefined) return { kind: 'new', room: fresh };
      free.splice(free.indexOf(holder), 1);
      return { kind: 'takes-over', room: fresh, holder };
    });
  }

  private async bindNew(places: readonly Place[]): Promise<void> {
    this.swapping = true;
    try {
      for (const { kind, room } of places) if (kind === 'new') await room.bind();
    } catch (error) {
      abandon(places);
      throw error instanceof BindError ? this.explained(error) : error;
    } finally {
      this.swapping = false;
    }
  }

  /** An address that overlaps with one of ours can be had neither beside it nor, without a gap, in its place. */
  private explained(error: BindError): BindError {
    const holder = this.rooms.find(({ listen, leaving }) => !leaving && listen.port === error.port);
    if (error.code !== 'EADDRINUSE' || holder === undefined) return error;
    const { name, address } = holder.status();
    const why = `listener ${name} of this usher listens on ${address}, which overlaps: that change needs a restart`;
    return new BindError(error.address, error.code, why);
  }

  private swapBackends(settings: readonly BackendSettings[], backends: ReadonlyMap<string, Backend>): void {
    const before = this.backends;
    this.backends = backends;
    for (const each of settings) {
      const backend = backends.get(each.name);
      if (before.has(each.name) || this.leavingBackends.delete(each.name)) backend?.swap(each, greetingOf(each));
      else if (backend !== undefined) this.startBackend(backend);
    }
    for (const backend of before.values()) if (!backends.has(backend.name)) this.dismiss(backend);
  }

  private startBackend(backend: Backend): void {
    this.deadlines.add(backend);
    backend.start();
  }

  private dismiss(backend: Backend): void {
    this.leavingBackends.set(backend.name, backend);
    backend.leave(() => {
      // A reload under way may be about to bring it back.
      if (this.swapping) return;
      this.leavingBackends.delete(backend.name);
      this.deadlines.delete(backend);
      backend.close();
    });
  }

  private swapRooms(places: readonly Place[]): void {
    const staying = new Set(places.map(({ room }) => room));
    const leaving = this.rooms.filter(room => !staying.has(room));
    this.rooms = [...staying, ...leaving];
    for (const place of places) {
      if (place.kind === 'stays') place.room.swap(place.settings, place.backends);
      else if (place.kind === 'takes-over') place.room.takeOver(place.holder);
    }
    for (const room of leaving) room.leave();
  }

  /** Used by the rooms of the listeners only: the last connection of one that is leaving is gone. */
  roomLeft(room: ListenerRoom): void {
    if (!this.rooms.includes(room)) return;
    this.rooms = this.rooms.filter(each => each !== room);
    const { name, bytesToBackend, bytesToClient } = room.status();
    const before = this.formerListeners.get(name);
    this.formerListeners.set(name, {
      name,
      bytesToBackend: bytesToBackend + (before?.bytesToBackend ?? 0),
      bytesToClient: bytesToClient + (before?.bytesToClient ?? 0),
    });
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
    for (const backend of [...this.backends.values(), ...this.leavingBackends.values()]) backend.close();
  }

  get openConnections(): number {
    return this.rooms.reduce((sum, room) => sum + room.open, 0);
  }

  status(): ProxyStatus {
    return {
      state: this.state,
      listeners: this.rooms.map(room => room.status()),
      ...(this.formerListeners.size === 0 ? {} : { formerListeners: [...this.formerListeners.values()] }),
      backends: [...this.backends.values()].map(backend => backend.status()),
    };
  }

  /** Used by the rooms of the listeners only. */
  hallOf(settings: ListenerSettings, backends: ReadonlyMap<string, Backend>, room: ListenerRoom): OwnHall {
    const { observer, deadlines } = this;
    const isDraining = () => this.suspended;
    const followsFrames = () => this.followsFrames;
    return {
      settings,
      port: settings.listen.port,
      backends,
      observer,
      deadlines,
      get draining() {
        return room.leaving || isDraining();
      },
      get followsFrames() {
        return followsFrames();
      },
      bytesToBackend: 0,
      bytesToClient: 0,
      left: connection => room.left(connection),
    };
  }

  /** Used by the rooms of the listeners only. */
  handedOver(from: ListenerRoom, to: ListenerRoom): void {
    this.descriptors?.handOver(from, to);
  }

  /** Used by the rooms of the listeners only. */
  connectionLeft(): void {
    if (this.openConnections > 0) return;
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  /** Used by the rooms of the listeners only. */
  acceptFailed(listener: string, error: Error, room?: Pausable): void {
    this.options.acceptFailed?.(listener, error);
    if (room !== undefined) this.descriptors?.acceptFailed(room, error);
  }

  /** Used by the rooms of the listeners only. */
  accepted(room: Pausable): void {
    this.descriptors?.accepted(room);
  }

  /** Used by the rooms of the listeners only. */
  pauseChanged(listener: string, paused: boolean): void {
    this.options.pauseChanged?.(listener, paused);
  }
}

function greetingOf({ checkHeader }: BackendSettings): Buffer | undefined {
  return checkHeader === undefined ? undefined : localHeader(checkHeader);
}

/** What a reload makes of a listener. */
type Place =
  | {
      readonly kind: 'stays';
      readonly room: ListenerRoom;
      readonly settings: ListenerSettings;
      readonly backends: ReadonlyMap<string, Backend>;
    }
  | { readonly kind: 'new'; readonly room: ListenerRoom }
  /** It has another name or protocol than the one that listens there. */
  | { readonly kind: 'takes-over'; readonly room: ListenerRoom; readonly holder: ListenerRoom };

/** Gives back what was bound anew. */
function abandon(places: readonly Place[]): void {
  for (const { kind, room } of places) {
    if (kind !== 'new') continue;
    room.suspend();
    room.destroy();
  }
}

function sameAddress(one: ListenAddress, other: ListenAddress): boolean {
  return one.host === other.host && one.port === other.port;
}

/** The hall as its room sees it. */
type Changing = 'settings' | 'backends' | 'port';
type OwnHall = Omit<Hall, Changing> & { -readonly [Key in Changing]: Hall[Key] };

let lastId = 0;

/** One listener with its connections. */
class ListenerRoom implements Pausable {
  /** A reload has removed it; it is over when its last connection is. */
  leaving = false;
  private listener: Listener | undefined;
  private readonly connections = new Set<Connection>();
  private readonly hall: OwnHall;
  private address: string;
  private paused = false;
  private pauses = 0;

  constructor(
    private settings: ListenerSettings,
    backends: ReadonlyMap<string, Backend>,
    private readonly proxy: UsherProxy,
  ) {
    const { host, port } = settings.listen;
    this.address = formatHostPort(host, port);
    this.hall = proxy.hallOf(settings, backends, this);
    this.listener = new Listener(settings.listen, this.events);
  }

  private get events(): ListenerEvents {
    return {
      accepted: socket => this.accept(socket),
      acceptFailed: error => this.proxy.acceptFailed(this.settings.name, error, this),
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
    this.paused = holder.paused;
    this.proxy.handedOver(holder, this);
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

  pause(): void {
    this.pauses += 1;
    this.paused = true;
    this.listener?.pause();
    this.proxy.pauseChanged(this.settings.name, true);
  }

  async resume(): Promise<void> {
    await this.listener?.resume();
    this.paused = false;
    this.proxy.pauseChanged(this.settings.name, false);
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
    const { address, open: connectionsOpen, paused, pauses } = this;
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

  private accept(socket: ConstructorParameters<typeof Connection>[1]): void {
    lastId += 1;
    const connection = new Connection(lastId, socket, this.hall);
    const full = this.connections.size >= this.settings.limits.connections;
    this.connections.add(connection);
    if (full) connection.turnAway('connection-limit');
    else connection.enter();
    this.proxy.accepted(this);
  }

  left(connection: Connection): void {
    this.connections.delete(connection);
    if (this.leaving && this.open === 0) this.proxy.roomLeft(this);
    this.proxy.connectionLeft();
  }
}
