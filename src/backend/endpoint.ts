/** One endpoint of a backend: its state, its idle connections, and the connections it has lent out. */
import { formatHostPort } from '../address.js';
import type { Lease } from '../lease.js';
import type { EndpointSettings } from '../settings.js';
import { DEAF, type Wire, type WireReader } from '../wire.js';

/**
 * How much earlier than the backend's own keep-alive time an idle connection is given up: a request that is on its way
 * when the backend closes is lost.
 */
const RETIRE_EARLY_MS = 1_000;

export class Endpoint {
  /** host:port as configured. */
  readonly label: string;
  /** False after a failed dial or check, until one succeeds. */
  up = true;
  /** Whether a dial or a check has ended yet, so that `up` means something. */
  tried = false;
  /** Nothing is kept any more. */
  closed = false;
  /** Leases under way. */
  active = 0;
  /** Idle connections, used last at the end. */
  private readonly idle: BackendConnection[] = [];
  private readonly resting: BackendConnection[] = [];

  constructor(
    readonly settings: EndpointSettings,
    private readonly idleMs: number,
    private readonly maxIdle: number,
  ) {
    this.label = formatHostPort(settings.host, settings.port);
  }

  get idleCount(): number {
    return this.idle.length + this.resting.length;
  }

  /** The idle connection used last: the others age, and a burst's surplus goes away by itself. */
  takeIdle(now: number): BackendConnection | undefined {
    let connection = this.idle.pop();
    while (connection !== undefined && (now >= connection.expiresAt || !connection.wire.usable)) {
      connection.retire();
      connection = this.idle.pop();
    }
    return connection;
  }

  keep(connection: BackendConnection, keepAliveMs: number | undefined): void {
    const announced = keepAliveMs === undefined ? Number.POSITIVE_INFINITY : keepAliveMs - RETIRE_EARLY_MS;
    const keepMs = Math.min(this.idleMs, announced);
    if (this.closed || keepMs <= 0 || this.idleCount >= this.maxIdle) {
      connection.retire();
      return;
    }
    connection.expiresAt = performance.now() + keepMs;
    if (this.resting.push(connection) === 1) setImmediate(() => this.wake());
  }

  /**
   * A connection is not lent again in the turn of the event loop in which it was given back: an end or stray bytes that
   * came right behind the response must meet nobody's request.
   */
  private wake(): void {
    this.idle.push(...this.resting.splice(0));
  }

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
  expiresAt = Number.POSITIVE_INFINITY;
  private lent = false;

  constructor(
    private readonly owner: Endpoint,
    readonly wire: Wire,
  ) {}

  get endpoint(): string {
    return this.owner.label;
  }

  lend(): this {
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
