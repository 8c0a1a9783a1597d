/**
 * Pauses listeners before the process runs out of file descriptors. Behind that point nothing can be done: libuv takes
 * one more connection with a descriptor that it keeps spare, closes it and tells nobody. A balancer has sent the request
 * by then and may not send it again; a port that refuses, it can pass over for another target.
 */
import type { Timed } from '../timed.js';
import { isStarved, outgoing } from '../transport.js';

/** What the system says of this process. */
export interface OpenFiles {
  /** How many there may be. */
  readonly limit: number;
  /** How many there are; may take a millisecond for every few thousand. */
  count(): number;
}

/** A listener, as far as it matters here. */
export interface Pausable {
  /** Stops accepting; called once until it goes on. */
  pause(): void;
  /** Accepts again; rejects where the address can't be had now. */
  resume(): Promise<void>;
}

/** For the admin port, checks, look-ups and the like. */
const SPARE = 32;
/** How much of the limit is kept for connections that have dialled no backend yet. */
const DIALS = 1 / 4;
/** How much must be free again before listeners go on. */
const SLACK = 1 / 32;
/** What a small limit may be used for besides connections. */
const MOST_SPARE = 1 / 8;

/** How often the system is asked: while listeners are paused, and while at least half of the descriptors are used. */
const LOOK_PAUSED_MS = 1_000;
const LOOK_MS = 5_000;

/** A process that is to hold so many connections, a backend connection for each and so many idle ones: its limit. */
export function descriptorsFor(connections: number, idle: number, others: number): number {
  return 2 * connections + idle + others + SPARE;
}

export class Descriptors implements Timed {
  /** Every sweep looks. */
  deadlineAt = 0;
  private readonly paused = new Set<Pausable>();
  private others = 0;
  private starved = outgoing.starved;
  /** As of the last sweep. */
  private now = performance.now();
  private lookAt = 0;

  /**
   * @param connections client connections that are open
   * @param listeners all of them
   */
  constructor(
    private readonly files: OpenFiles,
    private readonly connections: () => number,
    private readonly listeners: () => Iterable<Pausable>,
  ) {
    this.ask();
  }

  /** As far as is known without asking the system. */
  get open(): number {
    return this.others + this.connections() + outgoing.open;
  }

  /** A connection of this listener was accepted and counted. */
  accepted(listener: Pausable): void {
    if (this.wanted >= this.files.limit) this.pause(listener);
  }

  /** Accepting failed. */
  acceptFailed(listener: Pausable, error: Error): void {
    if (isStarved(error)) this.pause(listener);
  }

  /** Called by every sweep. */
  onDeadline(now: number): void {
    this.now = now;
    if (outgoing.starved !== this.starved) for (const listener of this.listeners()) this.pause(listener);
    this.starved = outgoing.starved;
    const isNear = this.paused.size > 0 || this.open > this.files.limit / 2;
    if (!isNear || now < this.lookAt) return;
    this.lookAt = now + (this.paused.size > 0 ? LOOK_PAUSED_MS : LOOK_MS);
    this.ask();
    // Without connections nothing more gets free by waiting.
    if (this.wanted <= this.files.limit * (1 - SLACK) || this.connections() === 0) this.resume();
  }

  /** What is open, what the connections that are there may open yet, and what is spared. */
  private get wanted(): number {
    const { limit } = this.files;
    const undialled = Math.max(0, this.connections() - outgoing.open);
    return this.open + Math.min(undialled, limit * DIALS) + Math.min(SPARE, limit * MOST_SPARE);
  }

  private ask(): void {
    this.others = Math.max(0, this.files.count() - this.connections() - outgoing.open);
  }

  private pause(listener: Pausable): void {
    if (this.paused.has(listener)) return;
    this.paused.add(listener);
    this.lookAt = this.now + LOOK_PAUSED_MS;
    listener.pause();
  }

  private resume(): void {
    for (const listener of this.paused) {
      this.paused.delete(listener);
      listener.resume().catch(() => this.paused.add(listener));
    }
  }
}
