/** The house's first rule: who may import whom. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const SRC = fileURLToPath(new URL('../../src', import.meta.url));

/** Words that every room may use; they import only each other. */
const GROUND = [
  'address',
  'bare-connect',
  'bare-transport',
  'codes',
  'handles',
  'held',
  'lease',
  'observer',
  'outbox',
  'plain',
  'plain-transport',
  'read-buffers',
  'settings',
  'status',
  'timed',
  'transport',
  'version',
  'wire',
];
const ROOMS = ['backend', 'http', 'limits', 'listener', 'proxy-header', 'tunnel'];
const DATA_PLANE = [...GROUND, ...ROOMS, 'connection'];

/** From a part of the house to the parts it may import, besides itself. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(GROUND.map(file => [file, GROUND])),
  ...Object.fromEntries(ROOMS.map(room => [room, GROUND])),
  connection: [...GROUND, ...ROOMS],
  goodbyes: DATA_PLANE,
  'listener-room': DATA_PLANE,
  proxy: [...DATA_PLANE, 'goodbyes', 'listener-room'],
  observe: GROUND,
  aws: GROUND,
  demo: [],
  control: [...DATA_PLANE, 'proxy', 'observe'],
  cli: [...DATA_PLANE, 'proxy', 'observe', 'control', 'demo', 'aws'],
  main: ['cli'],
};

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^;]*?\bfrom '([^']+)'|\bimport\('([^']+)'\)|(?:^|\n)\s*import '([^']+)'/g;

/** `http/exchange.ts` → `http`; `proxy.ts` → `proxy`. */
function partOf(path: string): string {
  const [first = ''] = relative(SRC, path).split('/');
  return first.replace(/\.[jt]s$/, '');
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(IMPORT)].map(match => match[1] ?? match[2] ?? match[3] ?? '');
}

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter(path => path.endsWith('.ts'))
  .map(path => join(SRC, path));

t.test('every part of the house has a rule', async t => {
  for (const part of new Set(files.map(partOf))) t.ok(ALLOWED[part] !== undefined, `${part} is in the table`);
});

t.test('no file imports across a forbidden edge', async t => {
  for (const file of files) {
    const part = partOf(file);
    for (const name of importsOf(file).filter(name => name.startsWith('.'))) {
      const target = partOf(resolve(dirname(file), name));
      const fine = target === part || ALLOWED[part]?.includes(target) === true;
      if (!fine) t.fail(`${relative(SRC, file)} imports ${name}: ${part} may not know ${target}`);
    }
  }
  t.pass(`${files.length} files read`);
});

t.test('the data plane knows neither the metrics library nor the environment', async t => {
  const forbidden = /prom-client|pino|\byaml\b|commander|process\.env|console\./;
  for (const file of files.filter(path => DATA_PLANE.includes(partOf(path)) || partOf(path) === 'proxy')) {
    const names = importsOf(file).join(' ');
    const code = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
    t.notMatch(names, /prom-client|pino|yaml|zod|commander|^ws$/, relative(SRC, file));
    t.notMatch(code, forbidden, relative(SRC, file));
  }
});
