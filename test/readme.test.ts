/** What the README shows of commands is what they print. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { runCommand } from './support/peer-usher.js';

interface Shown {
  /** Behind `npx usher`. */
  readonly args: readonly string[];
  readonly output: string;
}

/** Every block `console`: a command behind `$ npx usher`, and its output. */
function shownIn(text: string): readonly Shown[] {
  return [...text.matchAll(/```console\n\$ npx usher ([^\n]*)\n([\s\S]*?)```/g)].map(([, line = '', output = '']) => ({
    args: line.replace(' 2> /dev/null', '').split(' '),
    output,
  }));
}

const shown = shownIn(readFileSync('README.md', 'utf8'));

t.test('there is something to compare', async t => {
  t.ok(shown.length >= 4);
});

for (const { args, output } of shown) {
  t.test(`usher ${args.join(' ')}`, async t => {
    const { stdout } = await runCommand(t, args, { env: { LC_ALL: 'C.UTF-8' } });
    t.equal(stdout, output);
  });
}
