/** Which endpoint has which session: a bounded table that forgets what nobody asks for. Times are milliseconds. */

interface Entry<E> {
  readonly endpoint: E;
  readonly aliveMs: number;
  expiresAt: number;
}

/** About 20 MB when it is full. */
const MOST_SESSIONS = 100_000;
const MOST_PER_SWEEP = 1_000;

/**
 * Sessions in the order of their last use. A full table forgets the one that was used longest ago; its requests are then
 * placed by their client, which is where the session was opened unless the client moved or the endpoints changed.
 *
 * Sessions of an endpoint that died stay until they expire: whoever finds such an endpoint knows that the session is
 * lost, which is more than knowing nothing of it.
 */
export class Sessions<E> {
  private readonly entries = new Map<string, Entry<E>>();

  constructor(private readonly most = MOST_SESSIONS) {}

  get size(): number {
    return this.entries.size;
  }

  /**
   * The backend opened a session; one that was known under that id is replaced.
   * @param aliveMs how long it lasts without being asked for
   */
  learn(id: string, endpoint: E, aliveMs: number, now: number): void {
    this.entries.delete(id);
    this.entries.set(id, { endpoint, aliveMs, expiresAt: now + aliveMs });
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= this.most) return;
      this.entries.delete(oldest);
    }
  }

  /** The endpoint that opened the session, whatever has become of it; undefined: unknown, or expired. Renews its time. */
  find(id: string, now: number): E | undefined {
    const entry = this.entries.get(id);
    if (entry === undefined) return undefined;
    this.entries.delete(id);
    if (now >= entry.expiresAt) return undefined;
    entry.expiresAt = now + entry.aliveMs;
    this.entries.set(id, entry);
    return entry.endpoint;
  }

  /**
   * Drops expired sessions, the longest unused first, up to the first that is alive. Sessions of one application live
   * equally long, so that none behind it has expired; one that has is dropped when its turn comes.
   * @param most how many a call drops at most, so that a call takes no longer than a millisecond
   */
  sweep(now: number, most = MOST_PER_SWEEP): void {
    let left = most;
    for (const [id, entry] of this.entries) {
      if (now < entry.expiresAt || left === 0) return;
      this.entries.delete(id);
      left -= 1;
    }
  }
}
