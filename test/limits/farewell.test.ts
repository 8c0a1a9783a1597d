/** Who is asked to leave, and when: on a clock of our own. */
import t from 'tap';
import { Farewell, LOOK_EVERY_MS } from '../../src/limits/farewell.js';

interface Guest {
  readonly name: number;
  closable: boolean;
}

const guests = (count: number): Guest[] => Array.from({ length: count }, (_, name) => ({ name, closable: true }));

/** How many are asked at each look, until all are. */
function looks(farewell: Farewell<Guest>, untilMs: number): number[] {
  const counts: number[] = [];
  for (let now = 0; now <= untilMs; now += LOOK_EVERY_MS) counts.push(farewell.due(now).length);
  return counts;
}

t.test('everybody is asked once, at an even rate', async t => {
  const all = guests(2_000);
  const farewell = new Farewell(all, 10_000, 0);
  const counts = looks(farewell, 10_000);
  t.equal(
    counts.reduce((sum, count) => sum + count, 0),
    2_000,
  );
  t.equal(Math.max(...counts), 10, 'two hundred a second');
  t.equal(counts[0], 0);
});

t.test('the order is random, and every order is possible', async t => {
  const firsts = new Set<number | undefined>();
  for (let run = 0; run < 200; run += 1) firsts.add(new Farewell(guests(5), 0, 0).due(0)[0]?.name);
  t.equal(firsts.size, 5);
  const fixed = new Farewell(guests(4), 0, 0, () => 0);
  t.same(
    fixed.due(0).map(({ name }) => name),
    [1, 2, 3, 0],
  );
});

t.test('whoever could not look for a while makes up for it at twice the rate at most', async t => {
  const farewell = new Farewell(guests(1_000), 10_000, 0);
  const most = (2 * 1_000 * LOOK_EVERY_MS) / 10_000;
  t.equal(farewell.due(8_000).length, most);
  t.equal(farewell.due(8_000 + LOOK_EVERY_MS).length, most);
});

t.test('those who have left meanwhile are passed over', async t => {
  const all = guests(10);
  const farewell = new Farewell(all, 1_000, 0);
  for (const guest of all.slice(0, 5)) guest.closable = false;
  t.equal(
    looks(farewell, 1_000).reduce((sum, count) => sum + count, 0),
    5,
  );
});

t.test('without a time all are asked at once', async t => {
  t.equal(new Farewell(guests(300), 0, 5).due(5).length, 300);
});

t.test('with nobody there it is over at once', async t => {
  const farewell = new Farewell<Guest>([], 1_000, 0);
  t.same(farewell.due(500), []);
  t.ok(farewell.isOver);
});
