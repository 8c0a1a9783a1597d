/** The line of a value. */
import t from 'tap';
import type { Steps } from '../../../src/aws/place.js';
import { readEstate } from '../../../src/aws/read/read-estate.js';
import { classics, file, networks, service, targetGroups, targetHealth, taskDefinition } from './outputs.js';

const finder = (text: string) => {
  const { sources } = readEstate([file('x', text)]);
  return (document: number, ...steps: Steps) => {
    const found = sources.lineOf({ kind: 'document', file: 'x', document, steps });
    return found && `${found.line}:${found.column}`;
  };
};

t.test('in JSON', async t => {
  const at = finder(
    '\ufeff{\r\n  "a": [1, {"b": "]"},\r\n    [2]],\r\n  "c\\u0064": {"a": null}}\n {"a": "é", "b": 2} [ 7 ]',
  );
  t.equal(at(0), '1:1');
  t.equal(at(0, 'a'), '2:8');
  t.equal(at(0, 'a', 0), '2:9');
  t.equal(at(0, 'a', 1, 'b'), '2:18');
  t.equal(at(0, 'a', 2, 0), '3:6');
  t.equal(at(0, 'cd', 'a'), '4:20', 'a key with an escape');
  t.equal(at(1), '5:2');
  t.equal(at(1, 'b'), '5:18');
  t.equal(at(2, 0), '5:23');
  for (const [document, ...steps] of [
    [0, 'x'],
    [0, 'a', 3],
    [0, 'a', -1],
    [0, 'a', 0.5],
    [0, 'a', 'length'],
    [0, 'a', 0, 'b'],
    [0, 0],
    [0, '__proto__'],
    [2, 1],
    [3],
    [-1],
  ] as const) {
    t.equal(at(document, ...steps), undefined, JSON.stringify([document, ...steps]));
  }
});

t.test('of a key that is written twice the last value', async t => {
  for (const start of ['', '# YAML\n']) {
    const at = finder(`${start}{"a": 1,\n"a": {"b": 1,\n"b": 2}}`);
    t.equal(at(0, 'a'), start === '' ? '2:6' : '3:6');
    t.equal(at(0, 'a', 'b'), start === '' ? '3:6' : '4:6');
  }
});

t.test('in YAML', async t => {
  const at = finder('# c\na:\n  - b: 1\n  - &x {c: 2}\n  - *x\nd:\n---\n- "e"\n');
  t.equal(at(0), '2:1');
  t.equal(at(0, 'a'), '3:3');
  t.equal(at(0, 'a', 0, 'b'), '3:8');
  t.equal(at(0, 'a', 1, 'c'), '4:12');
  t.equal(at(0, 'a', 2, 'c'), '4:12', 'through an alias');
  t.equal(at(1, 0), '8:3');
  for (const [document, ...steps] of [[0, 'x'], [0, 'a', 5], [0, 'a', 'b'], [0, 0], [1, 0, 0], [2]] as const) {
    t.equal(at(document, ...steps), undefined, JSON.stringify([document, ...steps]));
  }
});

t.test('of nothing that could be read', async t => {
  for (const text of ['', '{"a": tru', '{"a": truu}', '<html>', 'a: [', '---\n---\n']) {
    const at = finder(text);
    t.equal(at(0), undefined, text);
    t.equal(at(0, 'a'), undefined, text);
  }
  const { sources } = readEstate([]);
  t.equal(sources.lineOf({ kind: 'document', file: 'x', document: 0, steps: [] }), undefined, 'no such file');
});

t.test('every place in an estate is found', async t => {
  const { estate, sources } = readEstate([
    file('a', [classics(), networks]),
    file('b', targetGroups('blue')),
    file('c', targetHealth()),
    file('d', `${JSON.stringify(taskDefinition)}${JSON.stringify(service)}`),
  ]);
  let places = 0;
  JSON.stringify(estate, (key, value) => {
    if (key !== 'at') return value;
    places += 1;
    t.not(sources.lineOf(value), undefined, JSON.stringify(value));
    return undefined;
  });
  t.ok(places > 15, String(places));
});

t.test('thousands of values of one large file, from the last to the first', async t => {
  const rows = Array.from({ length: 20_000 }, (_, index) => `{"a": {"b": ${index}}}`);
  const at = finder(`{"rows": [\n${rows.join(',\n')}]}`);
  for (let index = rows.length - 1; index >= 0; index -= 1) {
    const found = at(0, 'rows', index, 'a', 'b');
    if (found !== `${index + 2}:13`) t.fail(`row ${index}: ${found}`);
  }
  t.equal(at(0, 'rows', rows.length), undefined);
});
