/** Chooses an endpoint from what is known at that moment: no sockets, no clock, no chance. */

/** What a pick looks at. */
export interface Candidate {
  /** host:port; what is hashed, so that every process and every machine chooses alike. */
  readonly label: string;
  /** The configured weight times what slow start grants of it: above 0, may be fractional. */
  readonly weight: number;
  /** Leases under way, exchanges and tunnels. */
  readonly active: number;
  /** Neither down nor ejected. */
  readonly usable: boolean;
  /** No dial has failed there since one stood: it may answer, whatever the checks say. */
  readonly reachable: boolean;
  /** To be left alone as long as there is another one. */
  readonly draining: boolean;
}

/**
 * Those to choose from: the usable ones; when there is none, those that can be reached; else all, because one is always
 * tried. Among them those that stay; when there is none, those that are draining.
 * @param tried left out in front of everything else, so that a request that failed at every usable endpoint goes on
 *   to the others
 * @returns `endpoints` itself when all of them are usable and stay; never empty: undefined when none is left
 */
export function candidates<T extends Candidate>(
  endpoints: readonly T[],
  tried?: ReadonlySet<T>,
): readonly T[] | undefined {
  const untried = tried === undefined || tried.size === 0 ? endpoints : endpoints.filter(each => !tried.has(each));
  if (untried.length === 0) return undefined;
  for (const tier of TIERS) {
    const found = those(untried, tier);
    if (found !== undefined) return found;
  }
  return untried;
}

/** The best first. */
const TIERS: readonly ((candidate: Candidate) => boolean)[] = [
  ({ usable, draining }) => usable && !draining,
  ({ usable }) => usable,
  ({ reachable, draining }) => reachable && !draining,
  ({ reachable }) => reachable,
  ({ draining }) => !draining,
];

/** `list` itself when all pass, undefined when none does. */
function those<T>(list: readonly T[], test: (each: T) => boolean): readonly T[] | undefined {
  if (list.every(test)) return list;
  const found = list.filter(test);
  return found.length > 0 ? found : undefined;
}

/** What an endpoint is owed, in units of weight; negative behind its turn. */
interface Credit {
  owed: number;
}

/** Round robin; one for a backend, because it remembers whose turn it is. */
export class Rotation<T extends Candidate> {
  private turn = 0;
  /** Goes with the endpoint: one that is out for a while finds it again, one that is new begins in the middle. */
  private readonly credits = new WeakMap<T, Credit>();

  /** The next one; by weight, but never in bursts: 5, 1 and 1 are `a a b a c a a`. */
  next(choice: readonly T[]): T | undefined {
    if (choice.length < 2) return choice[0];
    return isEven(choice) ? this.nextInTurn(choice) : this.nextByCredit(choice);
  }

  private nextInTurn(choice: readonly T[]): T | undefined {
    const at = this.turn % choice.length;
    this.turn = at + 1;
    return choice[at];
  }

  /**
   * nginx's smooth weighted round robin: everyone earns its weight, and who has most pays for all. Among the same
   * candidates the credits add up to nothing; when one came or went they don't, and what is too much is taken from all
   * alike, so that nobody waits for the debts of somebody who left.
   */
  private nextByCredit(choice: readonly T[]): T | undefined {
    const surplus = choice.reduce((sum, each) => sum + this.creditOf(each).owed, 0) / choice.length;
    let total = 0;
    let best: T | undefined;
    let most: Credit = { owed: Number.NEGATIVE_INFINITY };
    for (const candidate of choice) {
      const credit = this.creditOf(candidate);
      credit.owed += candidate.weight - surplus;
      total += candidate.weight;
      if (credit.owed <= most.owed) continue;
      most = credit;
      best = candidate;
    }
    most.owed -= total;
    return best;
  }

  private creditOf(candidate: T): Credit {
    let credit = this.credits.get(candidate);
    if (credit === undefined) {
      credit = { owed: 0 };
      this.credits.set(candidate, credit);
    }
    return credit;
  }
}

function isEven(choice: readonly Candidate[]): boolean {
  const weight = choice[0]?.weight;
  for (const candidate of choice) if (candidate.weight !== weight) return false;
  return true;
}

/** The one with the fewest leases for its weight; equals take turns. */
export function pickLeastActive<T extends Candidate>(choice: readonly T[], rotation: Rotation<T>): T | undefined {
  let least = Number.POSITIVE_INFINITY;
  let best: T | undefined;
  let equals = 0;
  for (const candidate of choice) {
    const load = candidate.active / candidate.weight;
    if (load > least) continue;
    equals = load < least ? 1 : equals + 1;
    if (load < least) best = candidate;
    least = load;
  }
  if (equals < 2) return best;
  return rotation.next(
    equals === choice.length ? choice : choice.filter(({ active, weight }) => active / weight === least),
  );
}

/**
 * Rendezvous hashing (Thaler and Ravishankar 1998): the endpoint whose score with the key is highest, so that one that
 * comes or goes moves only its own share of the keys.
 * @param loadBound an endpoint that has that many times its share of what is under way is passed over (bounded loads:
 *   Mirrokni, Thorup and Zadimoghaddam 2016); at least 1; undefined: no bound
 */
export function pickByHash<T extends Candidate>(choice: readonly T[], key: string, loadBound?: number): T | undefined {
  if (choice.length < 2) return choice[0];
  return highest(loadBound === undefined ? choice : withRoom(choice, loadBound), key);
}

/** Those that may take one more; all when none may, which a bound of at least 1 rules out. */
function withRoom<T extends Candidate>(choice: readonly T[], loadBound: number): readonly T[] {
  let leases = 1;
  let weights = 0;
  for (const { active, weight } of choice) {
    leases += active;
    weights += weight;
  }
  return those(choice, ({ active, weight }) => active < Math.ceil((loadBound * leases * weight) / weights)) ?? choice;
}

function highest<T extends Candidate>(choice: readonly T[], key: string): T | undefined {
  const keyA = absorb(key, SEED_A, PRIME_A);
  const keyB = absorb(key, SEED_B, PRIME_B);
  let best: T | undefined;
  let most = Number.NEGATIVE_INFINITY;
  for (const candidate of choice) {
    const { label, weight } = candidate;
    // -w / ln h: its maximum falls to each endpoint as often as its weight says (Schindelhauer and Schomaker 2005).
    const score = -weight / Math.log(hashOf(keyA, keyB, label));
    if (score <= most) continue;
    most = score;
    best = candidate;
  }
  return best;
}

/*
 * The hash. Every number below decides where keys live: a change moves nearly all of them. Two lanes of 32 bits, each
 * FNV-1a's step with a multiplier of its own (the second one is MurmurHash2's), then MurmurHash3's finisher.
 */
const SEED_A = 0x811c9dc5;
const PRIME_A = 0x01000193;
const SEED_B = 0x9e3779b9;
const PRIME_B = 0x5bd1e995;
/** Ends a text, so that what follows it is not taken for its continuation. */
const END_OF_TEXT = 0x0a;

function absorb(text: string, lane: number, prime: number): number {
  let h = lane;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), prime);
  return Math.imul(h ^ END_OF_TEXT, prime);
}

/**
 * @param keyA the lanes when they have absorbed the key; the label follows, in both at once for speed
 * @returns 52 bits of both lanes as a number between 0 and 1, neither of them included
 */
function hashOf(keyA: number, keyB: number, label: string): number {
  let a = keyA;
  let b = keyB;
  for (let i = 0; i < label.length; i += 1) {
    const unit = label.charCodeAt(i);
    a = Math.imul(a ^ unit, PRIME_A);
    b = Math.imul(b ^ unit, PRIME_B);
  }
  const high = avalanche(a ^ Math.imul(b, PRIME_A));
  const low = avalanche(b ^ high);
  return ((high >>> 0) * 2 ** 20 + (low >>> 12) + 0.5) / 2 ** 52;
}

function avalanche(lane: number): number {
  let h = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
