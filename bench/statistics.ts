/** Of rounds and of many latencies: pure. */

/** Median and the range of one figure over the rounds. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** The middle one, or the mean of the two in the middle; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/**
 * The least value that `percent` of all values don't exceed (nearest rank); NaN of nothing.
 * @param sorted ascending
 * @param percent above 0, up to 100
 */
export function percentile(sorted: ArrayLike<number>, percent: number): number {
  // Rounded first: 99.9 / 100 * 1000 is a little more than 999.
  const rank = Math.ceil(Number(((percent / 100) * sorted.length).toFixed(6)));
  return sorted[Math.max(rank, 1) - 1] ?? Number.NaN;
}
