/** Chooses an endpoint: pure, from what is known at that moment. */

/** What a pick looks at. */
export interface Candidate {
  readonly label: string;
  readonly up: boolean;
  readonly active: number;
}

/** Endpoints that are up; all of them when none is, because one is always tried. */
export function candidates<T extends Candidate>(endpoints: readonly T[]): readonly T[] {
  if (endpoints.every(endpoint => endpoint.up)) return endpoints;
  const up = endpoints.filter(endpoint => endpoint.up);
  return up.length > 0 ? up : endpoints;
}

/** The `turn`-th, round and round. */
export function pickInTurn<T extends Candidate>(endpoints: readonly T[], turn: number): T | undefined {
  return endpoints[turn % endpoints.length];
}

/** The one with the fewest leases; among equals the first behind `turn`, so that equals share. */
export function pickLeastActive<T extends Candidate>(endpoints: readonly T[], turn: number): T | undefined {
  let best: T | undefined;
  for (let i = 0; i < endpoints.length; i += 1) {
    const endpoint = endpoints[(turn + i) % endpoints.length];
    if (endpoint !== undefined && (best === undefined || endpoint.active < best.active)) best = endpoint;
  }
  return best;
}

/**
 * Rendezvous hashing (Thaler and Ravishankar 1998): the endpoint whose hash with the key is highest, so that an
 * endpoint that comes or goes moves only its own share of the keys.
 */
export function pickByHash<T extends Candidate>(endpoints: readonly T[], key: string): T | undefined {
  let best: T | undefined;
  let highest = -1;
  for (const endpoint of endpoints) {
    const weight = hash(`${endpoint.label}\n${key}`);
    if (weight > highest) {
      highest = weight;
      best = endpoint;
    }
  }
  return best;
}

/** FNV-1a, 32 bits, with the finisher of MurmurHash3 so that keys that differ in one character spread. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
