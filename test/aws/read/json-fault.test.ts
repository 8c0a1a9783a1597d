/** Where a text stops to be JSON. */
import fc from 'fast-check';
import t from 'tap';
import { jsonFault } from '../../../src/aws/read/json-fault.js';

const faultOf = (text: string) => jsonFault(text, { start: 0, end: text.length });

const cases: readonly (readonly [text: string, offset: number, message: RegExp])[] = [
  ['{"a": 1,}', 8, /comma stands before/],
  ['[1,]', 3, /comma stands before/],
  ['[1 2]', 3, /comma or \] is missing/],
  ['{"a": 1 "b": 2}', 8, /comma or \} is missing/],
  ['{"a" 1}', 5, /colon/],
  ["{'a': 1}", 1, /double quotes only/],
  ['{"a": \'b\'}', 6, /double quotes only/],
  ['{a: 1}', 1, /key in double quotes/],
  ['{"a": }', 6, /value is missing/],
  ['{"a": True}', 6, /value is missing/],
  ['{"a": truex}', 6, /value is missing/],
  ['{"a": NaN}', 6, /value is missing/],
  ['{"a": 01}', 7, /comma or \}/],
  ['{"a": 1.}', 7, /comma or \}/],
  ['{"a": "\\x"}', 7, /backslash/],
  ['{"a": "b\n"}', 8, /line/],
  ['{"a": "b\u0000"}', 8, /control character/],
  ['{"a": [1}', 8, /comma or \]/],
  ['{"a": /* no */ 1}', 6, /value is missing/],
];

for (const [text, offset, message] of cases) {
  t.test(JSON.stringify(text), async t => {
    t.throws(() => JSON.parse(text));
    t.match(faultOf(text), { offset, message });
  });
}

t.test('what JSON.parse takes has no fault', async t => {
  fc.assert(
    fc.property(fc.json(), text => {
      t.equal(faultOf(text).message, 'something is wrong here', text);
    }),
    { numRuns: 200 },
  );
  t.equal(faultOf('["\u007f\u0085\ud800 \\u00e9 \\/", -1.5E+3]').message, 'something is wrong here');
});

t.test('and one character more or less has one where JSON.parse has one', async () => {
  const changed = fc
    .tuple(
      fc.json({ maxDepth: 3 }),
      fc.nat(),
      fc.constantFrom('', '"', '{', ']', ',', ':', '\\', '1', 'e', ' ', '\n', '-'),
    )
    .map(([text, at, piece]) => {
      const index = at % (text.length + 1);
      return text.slice(0, index) + piece + text.slice(index + (piece === '' ? 1 : 0));
    })
    .filter(text => text.trim() !== '');
  fc.assert(
    fc.property(changed, text => {
      const { message, offset } = faultOf(text);
      // A document ends where its brackets do, so what stands behind the value is not looked at.
      if (message === 'something is wrong here') return isJson(text) || isJson(text.slice(0, offset));
      return !isJson(text);
    }),
    { numRuns: 500 },
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
