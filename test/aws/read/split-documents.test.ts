/** Several documents in one text. */
import t from 'tap';
import { MAX_DOCUMENTS, MAX_NESTING, splitDocuments } from '../../../src/aws/read/split-documents.js';

const pieces = (text: string) => {
  const { spans, fault } = splitDocuments(text);
  return [spans.map(({ start, end }) => text.slice(start, end)), fault?.offset];
};

const cases: readonly (readonly [
  name: string,
  text: string,
  documents: readonly string[],
  fault: number | undefined,
])[] = [
  ['nothing', ' \n', [], undefined],
  ['one', ' {"a": 1}\r\n', ['{"a": 1}'], undefined],
  ['one after another', '{}{"a":[{}]}\n\n[]', ['{}', '{"a":[{}]}', '[]'], undefined],
  ['on lines', '{"a":1}\n{"b":2}\n', ['{"a":1}', '{"b":2}'], undefined],
  ['brackets in strings', '{"}{": "]\\"}["} {}', ['{"}{": "]\\"}["}', '{}'], undefined],
  ['a backslash at the end of a string', '["\\\\"]{}', ['["\\\\"]', '{}'], undefined],
  ['something between', '{} x {}', ['{}'], 3],
  ['a comma between', '{},{}', ['{}'], 2],
  ['a bracket too much', '{}}', ['{}'], 2],
  ['cut', '{} {"a": [1', ['{}'], 11],
  ['cut in a string', '{"a', [], 3],
  ['cut behind a backslash', '{"a\\', [], 4],
];

for (const [name, text, documents, fault] of cases) {
  t.test(name, async t => t.strictSame(pieces(text), [documents, fault]));
}

t.test('nesting has a bound', async t => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  t.strictSame(pieces(nested(MAX_NESTING)), [[nested(MAX_NESTING)], undefined]);
  t.strictSame(pieces(nested(MAX_NESTING + 1)), [[], MAX_NESTING]);
});

t.test('so has the number of documents', async t => {
  t.equal(splitDocuments('{}'.repeat(MAX_DOCUMENTS)).fault, undefined);
  const { spans, fault } = splitDocuments('{}'.repeat(MAX_DOCUMENTS + 1));
  t.equal(spans.length, MAX_DOCUMENTS);
  t.match(fault, { offset: 2 * MAX_DOCUMENTS, message: /10000 documents/ });
});
