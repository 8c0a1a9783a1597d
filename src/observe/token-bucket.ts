/** Lets a burst through, then a steady rate, and counts what it held back. The clock is the caller's. */
export class TokenBucket {
  readonly #burst: number;
  readonly #perMs: number;
  #tokens: number;
  #filledAt: number;
  #suppressed = 0;

  /** @param now milliseconds of a clock that never goes back */
  constructor(burst: number, perSecond: number, now: number) {
    this.#burst = burst;
    this.#perMs = perSecond / 1000;
    this.#tokens = burst;
    this.#filledAt = now;
  }

  /** Whether one more may pass now; where not, it is counted as suppressed. */
  take(now: number): boolean {
    const earned = Math.max(0, now - this.#filledAt) * this.#perMs;
    this.#tokens = Math.min(this.#burst, this.#tokens + earned);
    this.#filledAt = now;
    if (this.#tokens < 1) {
      this.#suppressed += 1;
      return false;
    }
    this.#tokens -= 1;
    return true;
  }

  /** How many were suppressed since the last call of this method. */
  takeSuppressed(): number {
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return suppressed;
  }
}
