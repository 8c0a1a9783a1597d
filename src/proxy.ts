/** Wires the corridor: listeners, backends, deadlines, connections. Control starts, drains and closes it here. */
import { Backend } from './backend/backend.js';
import type { ResolverOptions } from './backend/resolver.js';
import { Goodbyes } from './goodbyes.js';
import { Deadlines } from './limits/deadlines.js';
import { Descriptors, type OpenFiles, type Pausable } from './limits/descriptors.js';
import { BindError } from './listener/listener.js';
import { ListenerRoom, type RoomHost, sameAddress } from './listener-room.js';
import type { Observer } from './observer.js';
import { localHeader } from './proxy-header/forward.js';
import type { BackendSettings, DrainSettings, ListenerSettings, Settings } from './settings.js';
import type { FormerListener, ProxyStatus } from './status.js';

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

export class UsherProxy implements RoomHost {
  readonly deadlines = new Deadlines();
  private backends: ReadonlyMap<string, Backend>;
  /** Those that are leaving, too. */
  private rooms: readonly ListenerRoom[];
  private readonly formerListeners = new Map<string, FormerListener>();
  private readonly leavingBackends = new Map<string, Backend>();
  private swapping = false;
  private state: ProxyStatus['state'] = 'starting';
  suspended = false;
  private readonly waiting: (() => void)[] = [];
  followsFrames: boolean;
  private goodbyes: Goodbyes | undefined;
  private descriptors: Descriptors | undefined;

  constructor(
    settings: Settings,
    readonly observer: Observer,
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
  closeWebSockets(settings: DrainSettings): void {
    if (settings.style === 'none') return;
    this.goodbyes ??= new Goodbyes(settings, () => this.rooms.flatMap(room => room.closable()), this.told);
  }

  private readonly told = (closed: number): void => this.options.closed?.(closed, this.openConnections);

  private watchDescriptors(): void {
    const { openFiles } = this.options;
    if (openFiles === undefined) return;
    const listeners = () => this.rooms.flatMap(({ listener }) => listener ?? []);
    this.descriptors = new Descriptors(openFiles, () => this.openConnections, listeners);
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

  roomLeft(room: ListenerRoom): void {
    if (!this.rooms.includes(room)) return;
    this.rooms = this.rooms.filter(each => each !== room);
    const { name, pauses, bytesToBackend, bytesToClient } = room.status();
    const before = this.formerListeners.get(name);
    this.formerListeners.set(name, {
      name,
      pauses: pauses + (before?.pauses ?? 0),
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
    this.goodbyes?.stop();
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

  // ---- for the rooms of its listeners ----

  connectionLeft(): void {
    if (this.openConnections > 0) return;
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  acceptFailed(name: string, error: Error, listener?: Pausable): void {
    this.options.acceptFailed?.(name, error);
    if (listener !== undefined) this.descriptors?.acceptFailed(listener, error);
  }

  accepted(listener: Pausable): void {
    this.descriptors?.accepted(listener);
  }

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
