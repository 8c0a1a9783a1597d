/** The same thing, described more than once: the later description counts. */
import type { Gap } from '../estate.js';
import type { At } from '../place.js';
import { quoted } from './shown.js';

export interface Described<T> extends At {
  readonly key: string;
  readonly value: T;
}

export interface Latest<T> {
  readonly things: ReadonlyMap<string, T>;
  /** None for descriptions that say the same. */
  readonly gaps: readonly Gap[];
}

/** `what`: `the load balancer`, for the sentence that tells of two. */
export function latest<T>(all: readonly Described<T>[], what: string): Latest<T> {
  const counting = new Map<string, Described<T>>();
  const gaps: Gap[] = [];
  for (const described of all) {
    const earlier = counting.get(described.key);
    if (earlier !== undefined && meaning(earlier.value) !== meaning(described.value)) {
      const name = quoted(nameOf(described.key));
      const message = `there are two descriptions of ${what} ${name}: that in ${described.at.file} counts, and this one was left out`;
      gaps.push({ kind: 'duplicate', at: earlier.at, message });
    }
    counting.set(described.key, described);
  }
  return { things: new Map([...counting].map(([key, { value }]) => [key, value])), gaps };
}

/** Of an ARN the part that people know. */
function nameOf(key: string): string {
  return key.startsWith('arn:') ? key.slice(key.lastIndexOf(':') + 1) : key;
}

/** A value without its places. */
function meaning(value: unknown): string {
  return JSON.stringify(value, (key, inner) => {
    if (key === 'at') return undefined;
    return inner instanceof Map ? [...inner] : inner;
  });
}
