import { existsSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import t from 'tap';
import { NODE_OPTIONS } from '../bench/launch.js';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const exists = (path: string): boolean => existsSync(new URL(path, root));

interface Instruction {
  word: string;
  rest: string;
}

interface Stage {
  base: string;
  name: string;
  instructions: Instruction[];
}

/** Joined lines without comments, grouped by FROM. */
function parseStages(text: string): Stage[] {
  const stages: Stage[] = [];
  const lines = text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n');
  for (const line of lines.filter(line => line.trim() !== '')) {
    const [word = '', ...words] = line.trim().split(/\s+/);
    if (word === 'FROM') {
      stages.push({ base: words[0] ?? '', name: words[2] ?? '', instructions: [] });
    } else {
      stages.at(-1)?.instructions.push({ word, rest: words.join(' ') });
    }
  }
  return stages;
}

interface Copy {
  from: string | undefined;
  sources: string[];
  destination: string;
}

function copiesOf(stage: Stage): Copy[] {
  return stage.instructions
    .filter(({ word }) => word === 'COPY')
    .map(({ rest }) => {
      const words = rest.split(' ');
      const paths = words.filter(word => !word.startsWith('--'));
      const from = words.find(word => word.startsWith('--from='))?.slice('--from='.length);
      return { from, sources: paths.slice(0, -1), destination: paths.at(-1) ?? '' };
    });
}

function valuesOf(stage: Stage | undefined, word: string): string[] {
  return (stage?.instructions ?? []).filter(instruction => instruction.word === word).map(({ rest }) => rest);
}

/** The last matching line decides, as in Docker; these files have no patterns but `*` and plain names. */
function isIgnored(path: string, lines: readonly string[]): boolean {
  let ignored = false;
  for (const line of lines) {
    const pattern = line.replace(/^!/, '');
    if (pattern === '*' || pattern === path || path.startsWith(`${pattern}/`)) {
      ignored = !line.startsWith('!');
    }
  }
  return ignored;
}

const stages = parseStages(read('Dockerfile'));
const final = stages.at(-1);
const ignoreLines = read('.dockerignore')
  .split('\n')
  .filter(line => line !== '' && !line.startsWith('#'));
const pack = JSON.parse(read('package.json'));

t.test('the ignore file is simple enough for this test', async t => {
  t.ok(ignoreLines.every(line => line === '*' || /^!?[\w.-]+(?:\/[\w.-]+)*$/.test(line)));
  for (const path of ['node_modules', 'dist', '.git', '.env', 'usher.yaml', '.tap']) {
    t.ok(isIgnored(path, ignoreLines), `${path} stays out of the image`);
  }
});

t.test('what is copied from the checkout is there, and reaches the builder', async t => {
  for (const { sources } of stages.flatMap(copiesOf).filter(({ from }) => from === undefined)) {
    for (const source of sources) {
      t.ok(exists(source), `${source} exists`);
      t.notOk(isIgnored(source, ignoreLines), `${source} is not ignored`);
    }
  }
});

t.test('what is copied from a stage exists after the commands of that stage', async t => {
  const names = stages.map(({ name }) => name);
  const copies = copiesOf(final ?? { base: '', name: '', instructions: [] }).filter(({ from }) => from !== undefined);
  t.equal(copies.length, 2);
  for (const { from = '', sources } of copies) {
    t.ok(names.includes(from), `${from} is a stage`);
    t.ok(
      sources.every(source => exists(posix.relative('/usher', source))),
      `${sources} exist after npm ci and npm run build`,
    );
  }
  const [build] = stages;
  t.match(valuesOf(build, 'RUN'), ['npm ci --ignore-scripts', 'npm run build']);
  t.equal(pack.scripts.build, 'tsc -p .');
  const { compilerOptions } = JSON.parse(read('tsconfig.json'));
  t.match(compilerOptions, { rootDir: '.', outDir: 'dist' }, 'src is built to dist/src even without test and bench');
});

t.test('the entry point is the command of the package', async t => {
  const entryPoint: string[] = JSON.parse(valuesOf(final, 'ENTRYPOINT')[0] ?? '[]');
  const script = `/usher/${pack.bin.usher}`;
  t.same(entryPoint, ['node', ...NODE_OPTIONS, script, 'run'], 'started as the benchmark starts it');
  const roots = copiesOf(final ?? { base: '', name: '', instructions: [] }).map(({ destination }) =>
    posix.join('/usher', destination),
  );
  t.ok(
    roots.some(copied => script.startsWith(`${copied}/`)),
    'and is copied into the image',
  );
  t.ok(exists(pack.bin.usher), `${pack.bin.usher} is there after the build`);
});

t.test('the image runs as a user without rights, without development dependencies', async t => {
  t.same(valuesOf(final, 'USER'), ['node']);
  t.same(valuesOf(final, 'RUN'), [], 'nothing is run in the final stage');
  t.same(valuesOf(final, 'ENV'), ['NODE_ENV=production']);
  t.same(valuesOf(final, 'STOPSIGNAL'), ['SIGTERM']);
  t.same(valuesOf(final, 'EXPOSE'), ['8080 9180']);
  const copy = copiesOf(final ?? { base: '', name: '', instructions: [] }).find(({ destination }) =>
    destination.endsWith('node_modules'),
  );
  const source = stages.find(({ name }) => name === copy?.from);
  t.same(valuesOf(source, 'RUN'), ['npm ci --omit=dev --ignore-scripts']);
});

t.test('every stage stands on one base that the package supports', async t => {
  const bases = new Set(stages.map(({ base }) => base));
  t.equal(bases.size, 1);
  const [base = ''] = bases;
  const major = Number(/^node:(\d+)-/.exec(base)?.[1]);
  t.ok(major >= Number(/>=(\d+)/.exec(pack.engines.node)?.[1]), `${base} fits ${pack.engines.node}`);
});

t.test('every release of Node that is the base passes the tests', async t => {
  const [base = ''] = stages.map(({ base }) => base);
  const [, major] = /^node:(\d+)-/.exec(base) ?? [];
  const [, versions = ''] = /for version in ([\d ]+);/.exec(read('.ci/run')) ?? [];
  t.ok(versions.split(' ').includes(major ?? ''), `Node ${major} is one of ${versions}`);
});

t.test('the health check is a command of usher, and so needs nothing that the image lacks', async t => {
  const [check = ''] = valuesOf(final, 'HEALTHCHECK');
  const command: string[] = JSON.parse(check.slice(check.indexOf('CMD ') + 4));
  t.same(command, ['node', `/usher/${pack.bin.usher}`, 'health']);
});
