/** Where `hash` puts many clients: the figures that the documentation may promise. */
import t from 'tap';
import { type Candidate, pickByHash } from '../../src/backend/pick.js';
import { clientKey } from '../../src/http/affinity.js';

const CLIENTS = 100_000;
/** Of all clients: as many may be elsewhere than where the weights alone would have them. */
const MISPLACED = 0.02;
/**
 * Chi-squared with 6 degrees of freedom is above this once in 1,000 fair draws. A tolerance for each endpoint would be
 * the wrong promise: a fair draw of 100,000 gives the lightest one 5,556 clients give or take 72, which is 1.3 %.
 */
const FAIR = 22.46;
const WEIGHTS = [1, 2, 3, 1, 5, 2, 4];

const endpoint = (weight: number, index: number): Candidate => ({
  label: `10.0.1.${10 + index}:3000`,
  weight,
  active: 0,
  usable: true,
  reachable: true,
  draining: false,
});
const pool = WEIGHTS.map(endpoint);

const percent = (part: number) => `${(100 * part).toFixed(2)} %`;
const hex = (number: number) => number.toString(16);

/** Clients as they come: spread over the address space, neighbours in one network, and behind IPv6 prefixes. */
const populations: readonly { readonly name: string; readonly address: (n: number) => string }[] = [
  {
    name: 'IPv4 addresses from everywhere',
    // A multiplier without a common divisor with 2^32 visits every address once.
    address: n => {
      const bits = Math.imul(n + 1, 0x9e3779b1) >>> 0;
      return `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`;
    },
  },
  { name: 'IPv4 neighbours', address: n => `10.${n >>> 16}.${(n >>> 8) & 255}.${n & 255}` },
  { name: 'IPv6 networks', address: n => `2001:db8:${hex(1 + (n >>> 16))}:${hex(1 + (n & 0xffff))}::${hex(1 + n)}` },
];

function keysOf(address: (n: number) => string): string[] {
  return Array.from({ length: CLIENTS }, (_, n) => clientKey(address(n)));
}

const total = (choice: readonly Candidate[]) => choice.reduce((sum, { weight }) => sum + weight, 0);

/** How many of `keys` each endpoint has. */
function countsOf(choice: readonly Candidate[], keys: readonly string[]): number[] {
  const counts = new Map<Candidate | undefined, number>();
  for (const key of keys) {
    const picked = pickByHash(choice, key);
    counts.set(picked, (counts.get(picked) ?? 0) + 1);
  }
  return choice.map(each => counts.get(each) ?? 0);
}

for (const { name, address } of populations) {
  t.test(`${CLIENTS} clients over 7 weighted endpoints: ${name}`, async t => {
    const keys = keysOf(address);
    t.equal(new Set(keys).size, CLIENTS, 'all of them differ');
    let misplaced = 0;
    let unfair = 0;
    for (const [index, count] of countsOf(pool, keys).entries()) {
      const { label, weight } = endpoint(WEIGHTS[index] ?? 0, index);
      const ideal = (CLIENTS * weight) / total(pool);
      misplaced += Math.abs(count - ideal) / 2 / CLIENTS;
      unfair += (count - ideal) ** 2 / ideal;
      t.comment(`${label} weight ${weight}: ${count} of ${ideal.toFixed(0)}, ${percent(count / ideal - 1)} off`);
    }
    t.ok(misplaced <= MISPLACED, `${percent(misplaced)} of the clients are elsewhere than in the ideal spread`);
    t.ok(unfair <= FAIR, `as even as a fair draw: chi-squared ${unfair.toFixed(1)}`);
    t.comment(`${percent(misplaced)} of the clients are misplaced, chi-squared ${unfair.toFixed(1)}`);
  });

  t.test(`an eighth endpoint takes its share from all and moves nobody else: ${name}`, async t => {
    const grown = [...pool, endpoint(2, WEIGHTS.length)];
    const added = grown.at(-1);
    const keys = keysOf(address);
    const moved = keys.filter(key => pickByHash(pool, key) !== pickByHash(grown, key));
    t.same(new Set(moved.map(key => pickByHash(grown, key))), new Set([added]), 'who moves, moves to the new one');
    const ideal = (CLIENTS * 2) / total(grown);
    const off = Math.abs(moved.length - ideal) / CLIENTS;
    const deviation = Math.sqrt(((ideal / CLIENTS) * (1 - ideal / CLIENTS)) / CLIENTS);
    const figures = `${moved.length} of ${CLIENTS} moved, ideal ${ideal.toFixed(0)}, ${percent(off)} of all off`;
    t.ok(off <= 4 * deviation, figures);
    t.comment(figures);
    const givers = countsOf(pool, moved);
    t.ok(
      givers.every((given, index) => given > 0.8 * ((moved.length * (WEIGHTS[index] ?? 0)) / total(pool))),
      `all have given: ${givers.join(', ')}`,
    );
  });
}
