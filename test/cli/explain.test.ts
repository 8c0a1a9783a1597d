import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { CONFIG_STORIES } from '../../src/cli/config-stories.js';
import { explain } from '../../src/cli/explain.js';

const AWS = [
  { id: 'clb-shared-instance-port', severity: 'error', title: 'shared', story: 'One.\n\n    aws x\n' },
  { id: 'nlb-idle', severity: 'note', title: 'idle', story: '\n\x1b[2JTwo\nlines of it.\n' },
  { id: 'other-rule', severity: 'warning', title: 'other', story: 'Three.' },
] as const;

function run(id?: string, columns = 80) {
  let [out, err] = ['', ''];
  const io = {
    stdout: { write: (text: string) => (out += text), columns },
    stderr: { write: (text: string) => (err += text) },
  };
  return { code: explain(id, io, AWS), out, err };
}

t.test('the page of a rule, wrapped, with indented lines as they are', async t => {
  t.strictSame(run('clb-shared-instance-port'), {
    code: 0,
    out: 'clb-shared-instance-port (error): shared\n\nOne.\n\n    aws x\n',
    err: '',
  });
  t.match(run('NLB-idle').out, '(note): idle\n\n\\x1b[2JTwo lines of it.\n', 'in any case, and nothing is obeyed');
});

t.test('pages of the configuration are there, in any width', async t => {
  for (const { id } of CONFIG_STORIES) {
    const { code, out } = run(id, 60);
    t.equal(code, 0, id);
    for (const line of out.split('\n').filter(line => !line.startsWith(' '))) t.ok(line.length <= 60, line);
  }
});

t.test('without a rule: all, by what they are about', async t => {
  const { code, out } = run();
  t.equal(code, 0);
  t.match(
    out,
    /^Classic Load Balancer\n {2}clb-shared-instance-port +error +shared\n\nNetwork Load Balancer\n {2}nlb-idle +note/,
  );
  t.match(out, /\nother\n {2}other-rule +warning +other\n/);
  for (const { id } of CONFIG_STORIES) t.match(out, new RegExp(`^  ${id} `, 'm'));
});

const unknown: readonly (readonly [id: string, says: string])[] = [
  ['clb-shared-instance-prot', 'did you mean clb-shared-instance-port? '],
  ['listen', 'did you mean duplicate-listen or no-listeners or invalid-listen? '],
  ['zzzzzzzzzz', ''],
  ['', ''],
];

t.test('a rule that is not known: 64, and the nearest ones', async t => {
  for (const [id, hint] of unknown) {
    const { code, out, err } = run(id);
    t.strictSame({ code, out }, { code: 64, out: '' });
    t.equal(err, `usher explain: no rule is named ${id === '' ? '""' : id}; ${hint}usher explain lists all\n`);
  }
  t.match(run('\x1b'.repeat(500)).err, /^usher explain: no rule is named (?:\\x1b){64}; usher explain lists all\n$/);
});

t.test('every rule of the configuration has a story, once, and no other', async t => {
  const folder = 'src/control/config';
  const sources = [...readdirSync(folder).map(name => join(folder, name)), 'src/cli/run.ts']
    .filter(path => path.endsWith('.ts'))
    .map(path => readFileSync(path, 'utf8'));
  const ids = sources.flatMap(text => [
    ...[...text.matchAll(/\b(?:rule|\w*RULE)(?:: | = )'([a-z-]+)'/g)].map(match => match[1]),
    ...[...text.matchAll(/\bwithRule\(\s*'([a-z-]+)'/g)].map(match => match[1]),
    ...[...text.matchAll(/\bproblemAt\([^';:]*'([a-z-]+)'/g)].map(match => match[1]),
    ...[...text.matchAll(/\breadHostPort\(input, '[^']*', '([a-z-]+)'/g)].map(match => match[1]),
  ]);
  const told = CONFIG_STORIES.map(({ id }) => id).sort();
  t.strictSame(told, [...new Set(ids)].sort());
});

t.test('every story has a title of one line and some text', async t => {
  for (const { id, title, story } of CONFIG_STORIES) {
    t.match(title, /^[^\n]*[^\n.]$/, id);
    t.match(story.trim(), /[.?}\]]$/, id);
  }
});
