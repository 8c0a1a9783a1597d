/** A histogram in plain numbers: what the hot path fills, and what a scrape reads. */
export class Buckets {
  /** Upper bounds in seconds, ascending. */
  readonly bounds: readonly number[];
  readonly #boundsMs: Float64Array;
  /** Observations per bucket (not cumulative); the last one is for everything above the last bound. */
  readonly #counts: Float64Array;
  #sumMs = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#boundsMs = Float64Array.from(bounds, bound => bound * 1000);
    this.#counts = new Float64Array(bounds.length + 1);
  }

  /** A duration that isn't a number of at least 0 counts as 0: one odd value must not spoil the sum for good. */
  observe(durationMs: number): void {
    const ms = durationMs >= 0 && durationMs < Number.POSITIVE_INFINITY ? durationMs : 0;
    const boundsMs = this.#boundsMs;
    let index = 0;
    while (index < boundsMs.length && ms > (boundsMs[index] ?? 0)) index += 1;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sumMs += ms;
  }

  /** Seconds in total. */
  get sum(): number {
    return this.#sumMs / 1000;
  }

  /** Cumulative counts, one per bound and a last one for all. */
  cumulative(): number[] {
    let total = 0;
    return Array.from(this.#counts, count => {
      total += count;
      return total;
    });
  }
}
