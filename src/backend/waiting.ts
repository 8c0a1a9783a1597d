/** The requests that wait until an endpoint of their backend is back, in the order in which they came. */
import type { Attempt } from './attempt.js';

/** How many go on in one turn of the event loop: a dial takes 20 µs of it. */
const MOST_A_TURN = 128;

export class Waiting {
  private readonly attempts = new Set<Attempt>();
  /** How many of them, from the first one on, are to go on; who comes meanwhile stands behind them. */
  private due = 0;
  private turn: NodeJS.Immediate | undefined;
  private followed = false;
  private ended = false;

  constructor(
    /** How long a request waits at most, from its beginning. */
    public holdForMs: number,
  ) {}

  get size(): number {
    return this.attempts.size;
  }

  /** @returns false: it has waited long enough */
  add(attempt: Attempt): boolean {
    const { startedAt } = attempt;
    if (this.ended || performance.now() - startedAt >= this.holdForMs) return false;
    this.attempts.add(attempt);
    return true;
  }

  /** An endpoint is back: all who wait go on, not all in one turn of the event loop. */
  resume(): void {
    this.due = this.attempts.size;
    if (this.due > 0) this.turn ??= setImmediate(this.goOn);
  }

  /** Others are served: who waits tries it, too, but once between two sweeps, or many would fail again and again. */
  follow(): void {
    if (this.followed) return;
    this.followed = true;
    this.resume();
  }

  /**
   * Those who have waited long enough are told. Of the others one looks whether anybody is back, or, when that is known
   * already, all go on.
   */
  sweep(now: number, isAnyBack: boolean): void {
    this.followed = false;
    for (const attempt of this.attempts) {
      const isOver = now - attempt.startedAt >= this.holdForMs;
      if (isOver || !attempt.wanted) this.attempts.delete(attempt);
      if (isOver && attempt.wanted) attempt.giveUp();
    }
    if (isAnyBack) this.resume();
    else for (const scout of this.take(1)) scout.start(true);
  }

  /** Nobody waits from now on. */
  end(): void {
    this.ended = true;
    clearImmediate(this.turn);
    for (const attempt of this.take(this.attempts.size)) attempt.giveUp();
  }

  private readonly goOn = (): void => {
    const first = this.take(Math.min(this.due, MOST_A_TURN));
    this.due = Math.min(this.due - first.length, this.attempts.size);
    this.turn = this.due > 0 ? setImmediate(this.goOn) : undefined;
    for (const attempt of first) if (attempt.wanted) attempt.start();
  };

  private take(count: number): readonly Attempt[] {
    const taken: Attempt[] = [];
    for (const attempt of this.attempts) {
      if (taken.length >= count) break;
      taken.push(attempt);
    }
    for (const attempt of taken) this.attempts.delete(attempt);
    return taken;
  }
}
