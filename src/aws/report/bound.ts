/** What is shown of a report that is longer than anybody reads: the rest is counted, and --json has all of it. */

import { plain } from '../../plain.js';
import type { Finding } from '../finding.js';
import { counted } from '../words.js';

export interface Bounded<T> {
  readonly shown: readonly T[];
  /** A line for each sort of thing that was left over; `counted` and no more. */
  readonly left: readonly string[];
}

const MOST_OF_A_RULE = 20;
const MOST_THINGS = 50;
const MOST_PLACES = 10;

/** The first findings of every rule, in the order in which they come. */
export function boundFindings(findings: readonly Finding[]): Bounded<Finding> {
  const amounts = new Map<string, number>();
  const shown = findings.filter(({ rule }) => {
    const amount = (amounts.get(rule) ?? 0) + 1;
    amounts.set(rule, amount);
    return amount <= MOST_OF_A_RULE;
  });
  const over = [...amounts].filter(([, amount]) => amount > MOST_OF_A_RULE);
  return { shown, left: over.map(([rule, amount]) => `and ${amount - MOST_OF_A_RULE} more of ${plain(rule)}; ${ALL}`) };
}

/** The first problems or gaps; `one` and `many` are words for what is left. */
export function boundThings<T>(things: readonly T[], one: string, many: string): Bounded<T> {
  const left = things.length - MOST_THINGS;
  return {
    shown: things.slice(0, MOST_THINGS),
    left: left > 0 ? [`and ${counted(left, one, many)} more; ${ALL}`] : [],
  };
}

/** The first places of a finding. */
export function boundPlaces<T>(places: readonly T[]): Bounded<T> {
  const left = places.length - MOST_PLACES;
  return { shown: places.slice(0, MOST_PLACES), left: left > 0 ? [`and ${counted(left, 'place')} more`] : [] };
}

const ALL = '--json shows all';
