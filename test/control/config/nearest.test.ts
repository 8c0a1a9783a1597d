import t from 'tap';
import { editDistance, nearest } from '../../../src/control/config/nearest.js';

t.test('counts insertions, deletions, replacements and swaps', async t => {
  const table: [string, string, number][] = [
    ['', '', 0],
    ['', 'abc', 3],
    ['abc', '', 3],
    ['abc', 'abc', 0],
    ['listen', 'listne', 1],
    ['listen', 'liste', 1],
    ['listen', 'listens', 1],
    ['kitten', 'sitting', 3],
  ];
  for (const [a, b, distance] of table) t.equal(editDistance(a, b), distance, `${a} → ${b}`);
});

t.test('finds the name that was meant, or none', async t => {
  const known = ['listen', 'backendPort', 'backend', 'routes', 'trustedSources'];
  t.equal(nearest('listn', known), 'listen');
  t.equal(nearest('backendport', known), 'backendPort');
  t.equal(nearest('backends', known), 'backend');
  t.equal(nearest('trusted_sources', known), 'trustedSources');
  t.equal(nearest('colour', known), undefined);
  t.equal(nearest('x', known), undefined);
  t.equal(nearest('a'.repeat(100), ['a'.repeat(100)]), undefined, 'a very long word is not compared');
});
