import t from 'tap';
import { hang, wrap, wrapStory } from '../../../src/aws/report/wrap.js';

t.test('between words, and long words whole', async t => {
  t.strictSame(wrap('a bb  ccc dddddddd e', 5), ['a bb', 'ccc', 'dddddddd', 'e']);
  t.strictSame(wrap('', 5), []);
  t.strictSame(wrap('äöü äöü', 7), ['äöü äöü'], 'characters are counted, not bytes');
});

t.test('behind a heading', async t => {
  t.strictSame(hang('at  ', 'one two three four five six', 24), ['at  one two three four', '    five six']);
  t.strictSame(hang('at  ', '', 24), []);
});

t.test('a story: paragraphs flow, indented lines stay', async t => {
  const story = `
one two
three

    as it   is
    and this
four five six
`;
  t.strictSame(wrapStory(story, 9), ['one two', 'three', '', '    as it   is', '    and this', 'four five', 'six']);
  t.strictSame(wrapStory('a\n\nb', 80), ['a', '', 'b']);
});
