/** One endpoint of a backend: its state, its idle connections, and the connections it has lent out. */
import { performance } from 'node:perf_hooks';
import { formatHostPort } from '../address.js';
import type { Lease } from '../lease.js';
import type { EndpointSettings } from '../settings.js';
import { DEAF, type Wire, type WireReader } from '../wire.js';
import type { Check } from './check.js';
import { type Change, Health, type HealthSettings } from './health.js';
import type { Candidate } from './pick.js';

/**
 * How much earlier than the backend's own keep-alive time an idle connection is given up: a request that is on its way
 * when the backend closes is lost.
 */
const RETIRE_EARLY_MS = 1_000;

/** How long an endpoint that DNS leaves out goes on draining, should it come back. */
const DRAINING_LASTS_MS = 300_000;

/** What an endpoint needs of its backend. */
export interface EndpointOwner {
  /** Its health has changed, or not. */
  changed(endpoint: Endpoint, change: Change, why?: string): void;
  /** A session was opened on it. */
  learn(id: string, endpoint: Endpoint, aliveMs: number): void;
}

/** Who has asked for an idle connection. */
export interface IdleUser {
  /** Whether it is still of use. */
  readonly wanted: boolean;
  /** @param connection undefined: none is left, or none is wanted */
  onIdle(connection: BackendConnection | undefined): void;
}

export interface EndpointOptions extends HealthSettings {
  /** How long an idle connection is kept at most. */
  readonly idleMs: number;
  readonly maxIdle: number;
}

export class Endpoint implements Candidate {
  /** host:port as configured, or as DNS says. */
  readonly label: string;
  readonly health: Health;
  /** Asked to leave: new sessions avoid it while another one works, known ones keep it. */
  draining = false;
  /** As of the last {@link refresh}. */
  usable = true;
  reachable = true;
  weight: number;
  /** Nothing is kept any more: usher stops, or neither DNS nor the configuration knows it. */
  closed = false;
  private closedAt = 0;
  /** Leases under way. */
  active = 0;
  /** The next active check, and the one under way. */
  checkAt = 0;
  check: Check | undefined;
  /** Idle connections, used last at the end. */
  private readonly idle: BackendConnection[] = [];
  private readonly resting: BackendConnection[] = [];
  /** Who gets an idle connection at the end of this turn. */
  private readonly asked: IdleUser[] = [];
  private turn: NodeJS.Immediate | undefined;

  constructor(
    /** Its weight may change. */
    public settings: EndpointSettings,
    /** The DNS name that it was found by; undefined: it is configured. */
    public origin: string | undefined,
    private readonly owner: EndpointOwner,
    private options: EndpointOptions,
  ) {
    this.label = formatHostPort(settings.host, settings.port);
    this.weight = settings.weight;
    this.health = new Health(options);
  }

  /** Its place in the configuration is another one; what it has stays, but for idle connections that are too many now. */
  adjust(settings: EndpointSettings, origin: string | undefined, options: EndpointOptions): void {
    this.settings = settings;
    this.origin = origin;
    if (options === this.options) return;
    this.options = options;
    this.health.settings = options;
    const latest = performance.now() + options.idleMs;
    for (const connection of this.idle) connection.expiresAt = Math.min(connection.expiresAt, latest);
    for (const connection of this.resting) connection.keepMs = Math.min(connection.keepMs, options.idleMs);
    for (const connection of this.idle.splice(0, Math.max(0, this.idleCount - options.maxIdle))) connection.retire();
  }

  /** The checks are others now: the next one is due at once. */
  checkAnew(): void {
    this.check?.cancel();
    this.check = undefined;
    this.checkAt = 0;
  }

  /** Looks at its health anew, in front of a pick. */
  refresh(now: number): void {
    this.usable = this.health.usable(now);
    this.reachable = this.health.connects !== false;
    this.weight = this.settings.weight * this.health.share(now);
  }

  /**
   * Whether a client that has been here goes on here: it isn't known to be down, or may be tried again. What DNS has left
   * out isn't checked, and tried only until it fails for the first time.
   */
  answers(now: number): boolean {
    return this.health.standing !== 'down' || (!this.closed && this.health.usable(now));
  }

  /** A response came, or an end or rubbish in its place. */
  judge(answered: boolean): void {
    if (answered) this.health.responseFine();
    else this.owner.changed(this, this.health.responseFailed(performance.now()), 'responses');
  }

  learn(id: string, aliveMs: number): void {
    this.owner.learn(id, this, aliveMs);
  }

  /** It is known again. That it drains is forgotten behind a while: what comes under its address then is another one. */
  reopen(now: number): void {
    if (now - this.closedAt > DRAINING_LASTS_MS) this.draining = false;
    this.closed = false;
    this.checkAt = 0;
  }

  /** Closes what is idle, and keeps nothing from now on; leases end by themselves. */
  close(now: number): void {
    this.closed = true;
    this.closedAt = now;
    this.checkAnew();
    this.retireIdle(Number.POSITIVE_INFINITY);
  }

  get idleCount(): number {
    return this.idle.length + this.resting.length;
  }

  /**
   * Asks for an idle connection, at the end of this turn of the event loop. By then the system has told what it knows of
   * it: that the backend has ended it, or has said something that nobody asked for, which must meet nobody's request.
   * @returns false: there is none, for one more
   */
  askIdle(user: IdleUser): boolean {
    if (this.idle.length <= this.asked.length) return false;
    this.active += 1;
    this.asked.push(user);
    this.awaitTurn();
    return true;
  }

  /** The idle connection used last: the others age, and a burst's surplus goes away by itself. */
  private takeIdle(now: number): BackendConnection | undefined {
    let connection = this.idle.pop();
    while (connection !== undefined && (now >= connection.expiresAt || !connection.wire.usable)) {
      connection.retire();
      connection = this.idle.pop();
    }
    return connection;
  }

  keep(connection: BackendConnection, keepAliveMs: number | undefined): void {
    const announced = keepAliveMs === undefined ? Number.POSITIVE_INFINITY : keepAliveMs - RETIRE_EARLY_MS;
    const keepMs = Math.min(this.options.idleMs, announced);
    if (this.closed || keepMs <= 0 || this.idleCount >= this.options.maxIdle) {
      connection.retire();
      return;
    }
    connection.keepMs = keepMs;
    connection.expiresAt = Number.POSITIVE_INFINITY;
    this.resting.push(connection);
    this.awaitTurn();
  }

  private awaitTurn(): void {
    this.turn ??= setImmediate(this.endTurn);
  }

  /**
   * A connection is not lent again in the turn in which it was given back, either: an end or stray bytes that came right
   * behind the response are read in the next one.
   */
  private readonly endTurn = (): void => {
    this.turn = undefined;
    const now = performance.now();
    const asked = this.asked.splice(0);
    this.active -= asked.length;
    for (const user of asked) user.onIdle(user.wanted ? this.takeIdle(now) : undefined);
    for (const connection of this.resting.splice(0)) {
      connection.expiresAt = now + connection.keepMs;
      this.idle.push(connection);
    }
  };

  drop(connection: BackendConnection): void {
    for (const list of [this.idle, this.resting]) {
      const at = list.indexOf(connection);
      if (at >= 0) list.splice(at, 1);
    }
  }

  /** Closes idle connections whose time is over; all of them with `Infinity`. */
  retireIdle(now: number): void {
    const over = [...this.idle, ...this.resting].filter(connection => now >= connection.expiresAt);
    for (const connection of over) {
      this.drop(connection);
      connection.retire();
    }
  }
}

/** One connection to an endpoint; it reads its wire while it is idle, its lessee while it is lent. */
export class BackendConnection implements Lease, WireReader {
  reused = false;
  cookie: string | undefined = undefined;
  expiresAt = Number.POSITIVE_INFINITY;
  /** How long it may be idle. */
  keepMs = 0;
  private lent = false;

  constructor(
    private readonly owner: Endpoint,
    readonly wire: Wire,
  ) {}

  get endpoint(): string {
    return this.owner.label;
  }

  /** @param cookie what the client should keep of this choice */
  lend(cookie: string | undefined): this {
    this.cookie = cookie;
    this.lent = true;
    this.owner.active += 1;
    return this;
  }

  release(keepAliveMs: number | undefined): void {
    this.settle();
    this.reused = true;
    this.wire.reader = this;
    this.wire.resume();
    this.owner.keep(this, keepAliveMs);
  }

  discard(): void {
    this.settle();
    this.retire();
  }

  learn(id: string, aliveMs: number): void {
    this.owner.learn(id, aliveMs);
  }

  judge(answered: boolean): void {
    this.owner.judge(answered);
  }

  settle(): void {
    if (!this.lent) return;
    this.lent = false;
    this.owner.active -= 1;
  }

  /** Closes; nobody is interested in how it ends. */
  retire(): void {
    this.wire.reader = DEAF;
    this.wire.destroy();
  }

  /** Nobody asked: whatever the backend says now belongs to no request (RFC 9112 9.2). */
  onBytes(): void {
    this.giveUp();
  }

  onEnd(): void {
    this.giveUp();
  }

  onDrain(): void {}

  onClose(): void {
    this.giveUp();
  }

  private giveUp(): void {
    this.owner.drop(this);
    this.retire();
  }
}
