/** Who gets the next connection. */
import fc from 'fast-check';
import t from 'tap';
import { type Candidate, candidates, pickByHash, pickLeastActive, Rotation } from '../../src/backend/pick.js';

const SEED = 20_261_123;
const runs = (numRuns: number) => ({ seed: SEED, numRuns });

const endpoint = (label: string, changes: Partial<Candidate> = {}): Candidate => ({
  label,
  weight: 1,
  active: 0,
  usable: true,
  reachable: true,
  draining: false,
  ...changes,
});
const weighted = (...weights: number[]) =>
  weights.map((weight, index) => endpoint(String.fromCharCode(97 + index), { weight }));
const labelsOf = (list: readonly Candidate[] | undefined) => list?.map(({ label }) => label).join('');
const times = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => make(index));
/** How often each of `choice` comes up. */
function tally(choice: readonly Candidate[], picks: Iterable<Candidate | undefined>): number[] {
  const counts = new Map<Candidate | undefined, number>();
  for (const picked of picks) counts.set(picked, (counts.get(picked) ?? 0) + 1);
  return choice.map(candidate => counts.get(candidate) ?? 0);
}

const [a, b, c] = [endpoint('a'), endpoint('b'), endpoint('c')];
const down = endpoint('d', { usable: false, reachable: false });
const draining = endpoint('e', { draining: true });
const leaving = endpoint('f', { usable: false, reachable: false, draining: true });
const ill = endpoint('g', { usable: false });
const illLeaving = endpoint('h', { usable: false, draining: true });

t.test('candidates are the usable ones, else those that can be reached, else all; who stays comes first', async t => {
  const tiers = [[a, b], [draining], [ill], [illLeaving], [down], [leaving]];
  for (const [index, tier] of tiers.entries()) {
    const others = tiers.slice(index + 1).flat();
    t.equal(labelsOf(candidates([...others, ...tier])), labelsOf(tier));
  }
  t.equal(candidates([]), undefined);
  const all = [a, b];
  t.equal(candidates(all), all, 'nothing is made when all are usable');
  t.equal(candidates(all, new Set()), all);
});

t.test('what was tried is left out, and the others follow down to the last one', async t => {
  const all = [a, b, down, draining];
  t.equal(labelsOf(candidates(all, new Set([a]))), 'b');
  t.equal(labelsOf(candidates(all, new Set([a, b]))), 'e');
  t.equal(labelsOf(candidates(all, new Set([a, b, draining]))), 'd');
  t.equal(candidates(all, new Set(all)), undefined);
});

t.test('equal weights take turns', async t => {
  const rotation = new Rotation<Candidate>();
  const next = (choice: readonly Candidate[]) => rotation.next(choice)?.label;
  t.equal(times(5, () => next([a, b, c])).join(''), 'abcab');
  t.equal(times(4, () => next([a, b])).join(''), 'abab', 'when one goes');
  t.equal(next([a, b, c]), 'c', 'when it comes back');
  t.equal(next([b]), 'b');
  t.equal(next([]), undefined);
});

t.test('weights are spread out, not served in bursts', async t => {
  const rotation = new Rotation<Candidate>();
  const choice = weighted(5, 1, 1);
  t.equal(times(14, () => rotation.next(choice)?.label).join(''), 'aabacaaaabacaa');
});

const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 2, maxLength: 6 });

t.test('in as many turns as all weights together, each endpoint comes up as often as its weight says', async t => {
  fc.assert(
    fc.property(weights, list => {
      const rotation = new Rotation<Candidate>();
      const choice = weighted(...list);
      const turns = list.reduce((sum, weight) => sum + weight, 0);
      for (const round of times(3, () =>
        tally(
          choice,
          times(turns, () => rotation.next(choice)),
        ),
      ))
        if (round.some((count, index) => count !== list[index])) return false;
      return true;
    }),
    runs(300),
  );
  t.pass();
});

t.test('endpoints that come and go leave the shares of the others right', async t => {
  const history = fc.array(fc.tuple(fc.integer({ min: 1, max: 63 }), fc.integer({ min: 1, max: 50 })), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(weights, history, (list, changes) => {
      const rotation = new Rotation<Candidate>();
      const choice = weighted(...list);
      for (const [members, turns] of changes) {
        const present = choice.filter((_, index) => (members >> index) % 2 === 1);
        times(turns, () => rotation.next(present));
      }
      const turns = list.reduce((sum, weight) => sum + weight, 0);
      const counts = tally(
        choice,
        times(10 * turns, () => rotation.next(choice)),
      );
      const off = counts.map((count, index) => Math.abs(count - 10 * (list[index] ?? 0)));
      return Math.max(...off) <= list.length;
    }),
    runs(500),
  );
  t.pass();
});

t.test('a new endpoint waits for nobody, however many have gone', async t => {
  const rotation = new Rotation<Candidate>();
  const stays = endpoint('stays', { weight: 2 });
  for (let i = 0; i < 400; i += 1) rotation.next([stays, endpoint('goes', { weight: 1_000 })]);
  const joins = endpoint('joins', { weight: 1 });
  const counts = tally(
    [stays, joins],
    times(30, () => rotation.next([stays, joins])),
  );
  t.ok(Math.abs((counts[1] ?? 0) - 10) <= 1, `${counts}`);
});

t.test('a share of slow start is a weight, too', async t => {
  const rotation = new Rotation<Candidate>();
  const choice = weighted(1, 1, 0.1);
  t.same(
    tally(
      choice,
      times(210, () => rotation.next(choice)),
    ),
    [100, 100, 10],
  );
});

t.test('the least active one for its weight is picked', async t => {
  const rotation = new Rotation<Candidate>();
  const least = (...choice: Candidate[]) => pickLeastActive(choice, rotation)?.label;
  t.equal(least(endpoint('x', { active: 3 }), endpoint('y', { active: 1 }), endpoint('z', { active: 2 })), 'y');
  t.equal(least(endpoint('x', { active: 3, weight: 4 }), endpoint('y', { active: 1 })), 'x');
  t.equal(least(endpoint('x', { active: 1, weight: 0.1 }), endpoint('y', { active: 9 })), 'y', 'slow start');
  t.equal(least(a), 'a');
  t.equal(least(), undefined);
});

t.test('equally active ones take turns, by weight', async t => {
  const rotation = new Rotation<Candidate>();
  const busy = endpoint('busy', { active: 1 });
  t.equal(times(6, () => pickLeastActive([a, busy, b, c], rotation)?.label).join(''), 'abcabc');
  const choice = weighted(3, 1);
  t.same(
    tally(
      choice,
      times(40, () => pickLeastActive(choice, rotation)),
    ),
    [30, 10],
    'idle ones too',
  );
});

t.test('least active keeps the load of all within one lease of each other', async t => {
  const rotation = new Rotation<{ -readonly [K in keyof Candidate]: Candidate[K] }>();
  const choice = times(5, index => ({ ...endpoint(`e${index}`) }));
  for (let i = 0; i < 1_000; i += 1) {
    const picked = pickLeastActive(choice, rotation);
    if (picked !== undefined) picked.active += 1;
  }
  t.same(
    choice.map(({ active }) => active),
    [200, 200, 200, 200, 200],
  );
});

const key = fc.string({ maxLength: 40 });
const labels = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 8 });
const addresses = times(20_000, index => `203.0.${index >> 8}.${index & 255}`);
const pool = times(5, index => endpoint(`10.0.1.${index + 10}:3000`));

/** Worked out by a program in another language. */
const HOMES: readonly (readonly [key: string, home: string])[] = [
  ['203.0.113.9', '10.0.1.13:3000'],
  ['203.0.113.10', '10.0.1.14:3000'],
  ['2001:db8::1', '10.0.1.11:3000'],
  ['room-1', '10.0.1.10:3000'],
  ['room-2', '10.0.1.14:3000'],
  ['', '10.0.1.10:3000'],
  ['é', '10.0.1.12:3000'],
  ['💬', '10.0.1.10:3000'],
];

t.test(
  'in every release and on every machine these keys live here: a hash that changes moves every session',
  async t => {
    for (const [k, home] of HOMES) t.equal(pickByHash(pool, k)?.label, home, JSON.stringify(k));
  },
);

t.test('a key keeps its endpoint, in whatever order the endpoints come', async t => {
  fc.assert(
    fc.property(labels, key, fc.nat(), (list, k, seed) => {
      const choice = list.map((label, index) => endpoint(label, { weight: 1 + (index % 3) }));
      const turned = [...choice.slice(seed % list.length), ...choice.slice(0, seed % list.length)];
      return pickByHash(choice, k) === pickByHash(turned.reverse(), k);
    }),
    runs(1000),
  );
  t.equal(pickByHash([], 'x'), undefined);
  t.equal(pickByHash([a], 'x'), a);
});

t.test('an endpoint that goes moves only its own keys, and one that comes takes only what becomes its own', async t => {
  const heavy = fc.integer({ min: 1, max: 10 });
  fc.assert(
    fc.property(labels, fc.array(heavy, { minLength: 9 }), fc.array(key, { minLength: 20 }), (list, weightOf, keys) => {
      const all = list.map((label, index) => endpoint(label, { weight: weightOf[index] ?? 1 }));
      const fewer = all.slice(1);
      return keys.every(k => {
        const [before, after] = [pickByHash(all, k), pickByHash(fewer, k)];
        return before === all[0] || before === after;
      });
    }),
    runs(500),
  );
  t.pass();
});

t.test('a weight that grows takes keys from the others and gives none away', async t => {
  const before = weighted(1, 1, 1);
  const after = weighted(2, 1, 1);
  let moved = 0;
  for (const k of addresses) {
    const [from, to] = [pickByHash(before, k)?.label, pickByHash(after, k)?.label];
    if (from !== to) moved += 1;
    if (from !== to && to !== 'a') t.fail(`${k} moved from ${from} to ${to}`);
  }
  t.ok(Math.abs(moved / addresses.length - (1 / 2 - 1 / 3)) < 0.015, `${moved} moved`);
});

t.test('each endpoint has its share of the keys, by weight', async t => {
  for (const list of [
    [1, 1, 1, 1],
    [5, 3, 1, 1],
    [1, 0.1],
    [100, 1, 50],
  ]) {
    const choice = list.map((weight, index) => endpoint(`10.0.1.7:${3000 + index}`, { weight }));
    const total = list.reduce((sum, weight) => sum + weight, 0);
    const counts = tally(
      choice,
      addresses.map(k => pickByHash(choice, k)),
    );
    for (const [index, weight] of list.entries()) {
      const [share, due] = [(counts[index] ?? 0) / addresses.length, weight / total];
      // Five standard deviations of as many tosses.
      const tolerance = 5 * Math.sqrt((due * (1 - due)) / addresses.length);
      t.ok(Math.abs(share - due) < tolerance, `weight ${weight} of ${total} has ${share}`);
    }
  }
});

t.test('the keys of an endpoint that goes spread over all others', async t => {
  const orphans = addresses.filter(k => pickByHash(pool, k) === pool[2]);
  const left = pool.filter(candidate => candidate !== pool[2]);
  const counts = tally(
    left,
    orphans.map(k => pickByHash(left, k)),
  );
  for (const count of counts) t.ok(Math.abs(count / orphans.length - 1 / 4) < 0.04, `${count} of ${orphans.length}`);
});

const loaded = fc.array(
  fc.record(
    { active: fc.nat({ max: 50 }), weight: fc.constantFrom(0.1, 0.55, 1, 2, 3, 10) },
    { noNullPrototype: true },
  ),
  { minLength: 2, maxLength: 8 },
);
const bound = fc.double({ min: 1, max: 3, noNaN: true });

/** The leases that an endpoint may have when one more is under way. */
function allowance(choice: readonly Candidate[], { weight }: Candidate, loadBound: number): number {
  const leases = choice.reduce((sum, { active }) => sum + active, 1);
  const weights = choice.reduce((sum, each) => sum + each.weight, 0);
  return Math.ceil((loadBound * leases * weight) / weights);
}

t.test('with a bound nobody gets a lease above it, and a key passes on in the order of its scores', async t => {
  fc.assert(
    fc.property(loaded, key, bound, (list, k, loadBound) => {
      const choice = list.map((each, index) => endpoint(`e${index}`, each));
      const picked = pickByHash(choice, k, loadBound);
      if (picked === undefined || picked.active + 1 > allowance(choice, picked, loadBound)) return false;
      let left: Candidate[] = choice;
      for (let first = pickByHash(left, k); first !== picked; first = pickByHash(left, k)) {
        if (first === undefined || first.active < allowance(choice, first, loadBound)) return false;
        left = left.filter(each => each !== first);
      }
      return true;
    }),
    runs(2000),
  );
  t.pass();
});

t.test('one busy key fills its endpoint to the bound and no further', async t => {
  const choice = times(4, index => ({ ...endpoint(`e${index}`) }));
  for (let leases = 1; leases <= 400; leases += 1) {
    const picked = pickByHash(choice, 'busy', 1.25);
    if (picked === undefined) throw new Error('nobody');
    (picked as { active: number }).active += 1;
    const most = Math.max(...choice.map(({ active }) => active));
    if (most > Math.ceil((1.25 * leases) / 4)) t.fail(`${most} of ${leases}`);
  }
  t.same(
    choice.map(({ active }) => active).sort((x, y) => y - x),
    [125, 125, 125, 25],
  );
});

t.test('a bound below 1, which nobody can keep, falls back to the hash', async t => {
  const full = [endpoint('x', { active: 5 }), endpoint('y', { active: 5 })];
  t.equal(pickByHash(full, 'k', 0.1), pickByHash(full, 'k'));
});
