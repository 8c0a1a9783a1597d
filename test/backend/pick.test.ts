/** Who gets the next connection. */
import t from 'tap';
import { candidates, pickByHash, pickInTurn, pickLeastActive } from '../../src/backend/pick.js';

const endpoint = (label: string, up = true, active = 0) => ({ label, up, active });
const [a, b, c] = [endpoint('a:1'), endpoint('b:1'), endpoint('c:1')];
const labels = (turns: number, pick: (turn: number) => { label: string } | undefined) =>
  Array.from({ length: turns }, (_, turn) => pick(turn)?.label);

t.test('candidates are those that are up, or all when none is', async t => {
  const down = endpoint('d:1', false);
  t.same(candidates([a, down, b]), [a, b]);
  t.same(candidates([down]), [down]);
  t.same(candidates([]), []);
});

t.test('in turn means round and round', async t => {
  t.same(
    labels(5, turn => pickInTurn([a, b, c], turn)),
    ['a:1', 'b:1', 'c:1', 'a:1', 'b:1'],
  );
  t.equal(pickInTurn([], 3), undefined);
});

t.test('the least active one is picked, and equals share', async t => {
  t.equal(pickLeastActive([endpoint('x', true, 3), endpoint('y', true, 1), endpoint('z', true, 2)], 0)?.label, 'y');
  t.same(
    labels(4, turn => pickLeastActive([a, b, c], turn)),
    ['a:1', 'b:1', 'c:1', 'a:1'],
  );
  t.equal(pickLeastActive([], 0), undefined);
});

const keys = Array.from({ length: 3_000 }, (_, index) => `203.0.${index >> 8}.${index & 255}`);

t.test('a key keeps its endpoint, and keys spread', async t => {
  const counts = new Map<string, number>();
  for (const key of keys) {
    const picked = pickByHash([a, b, c], key)?.label ?? '';
    counts.set(picked, (counts.get(picked) ?? 0) + 1);
  }
  for (const count of counts.values()) t.ok(count > 800 && count < 1_200, `${count} of 3000`);
  t.equal(pickByHash([], 'x'), undefined);
});

t.test('the order of the endpoints does not matter to a key', async t => {
  t.same(
    keys.filter(key => pickByHash([a, b, c], key) !== pickByHash([c, a, b], key)),
    [],
  );
});

t.test('when an endpoint goes, only its own keys move', async t => {
  const moved = keys.filter(key => {
    const before = pickByHash([a, b, c], key)?.label;
    return before !== 'c:1' && pickByHash([a, b], key)?.label !== before;
  });
  t.same(moved, []);
});
