import t from 'tap';
import { indexed, keptFor } from '../../src/aws/indexed.js';

interface Thing {
  readonly name: string;
  readonly keys: readonly number[];
}

const THINGS: readonly Thing[] = [
  { name: 'a', keys: [1, 2] },
  { name: 'b', keys: [2, 2] },
  { name: 'c', keys: [] },
];

t.test('things are found by each of their keys, once, in the order of the list', async t => {
  const find = indexed(({ keys }: Thing) => keys);
  const names = (list: readonly Thing[], key: number) => find(list, key).map(({ name }) => name);
  t.same(names(THINGS, 1), ['a']);
  t.same(names(THINGS, 2), ['a', 'b']);
  t.same(names(THINGS, 3), []);
  t.same(names([...THINGS].reverse(), 2), ['b', 'a'], 'another list has an index of its own');
});

t.test('what is kept is made once for each object, also where it is undefined', async t => {
  let made = 0;
  const kept = keptFor((_: object) => {
    made += 1;
    return undefined;
  });
  const [one, other] = [{}, {}];
  for (const of of [one, one, other, one]) t.equal(kept(of), undefined);
  t.equal(made, 2);
});
