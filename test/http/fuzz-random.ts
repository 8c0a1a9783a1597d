/** Repeatable chance. */

export interface Chance {
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number;
  /** True once in `count` times. */
  onceIn(count: number): boolean;
  pick<T>(choices: readonly [T, ...T[]]): T;
}

/** The chance of case `index` of a run with this seed (mulberry32): any case can be had without those before it. */
export function chanceOf(seed: number, index: number): Chance {
  let state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) + Math.imul(index + 1, 0xc2b2ae35)) | 0;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    below,
    onceIn: count => below(count) === 0,
    pick: choices => choices[below(choices.length)] ?? choices[0],
  };
}
