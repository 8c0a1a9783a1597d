import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { formatProblem, loadConfigFile, loadConfigFileSync, loadConfigText } from '../../../src/control/config/load.js';
import { places, settingsOf, told } from './told.js';

const good = 'listeners: { a: { listen: 80, backendPort: 3000, trustedSources: [10.0.0.0/8] } }\n';

t.test('many problems at once, in the order of the file', async t => {
  const text = `drain: { timeout: 5 }
listeners:
  chat:
    listen: 70000
    backendPort: 3000
    trustedSources: [10.0.0.0/8, nonsense]
    timeouts: { tunnel: soon }
  web:
    listen: 8081
    proxyProtocol: optional
    backendPort: 3000
    colour: red
  web2:
    listen: 8081
    backend: nowhere
    trustedSources: [10.0.0.0/8]
backends:
  pool: { endpoints: [1, bad, 2, 1], healthCheck: { path: /, status: 99 } }
adminn: {}
`;
  t.strictSame(places(text), [
    'invalid-duration 1:10 drain.timeout',
    'invalid-port 4:5 listeners.chat.listen',
    'invalid-cidr 6:34 listeners.chat.trustedSources[1]',
    'invalid-duration 7:17 listeners.chat.timeouts.tunnel',
    'optional-without-trusted-sources 10:5 listeners.web.proxyProtocol',
    'duplicate-backend-port 11:5 listeners.web.backendPort',
    'unknown-key 12:5 listeners.web.colour',
    'duplicate-listen 14:5 listeners.web2.listen',
    'unknown-backend 15:5 listeners.web2.backend',
    'invalid-endpoint 18:26 backends.pool.endpoints[1]',
    'duplicate-backend-port 18:34 backends.pool.endpoints[3]',
    'invalid-status 18:62 backends.pool.healthCheck.status',
    'unknown-key 19:1 adminn',
  ]);
});

t.test('JSON gives the same as YAML', async t => {
  const value = {
    listeners: {
      chat: { listen: '[::1]:8080', backendPort: 3000, trustedSources: ['10.0.0.0/8'], limits: { head: '16KiB' } },
    },
    admin: false,
  };
  for (const indent of [0, 2, '\t'])
    t.strictSame(
      settingsOf(JSON.stringify(value, null, indent)),
      settingsOf(`
listeners:
  chat:
    listen: "[::1]:8080"
    backendPort: 3000
    trustedSources: [10.0.0.0/8]
    limits: { head: 16KiB }
admin: off
`),
    );
  const json = JSON.stringify({ listeners: { a: { listen: 80, backendPort: 0 } } }, null, 2);
  t.strictSame(places(json), [
    'invalid-port 5:7 listeners.a.backendPort',
    'trusted-sources-open 3:5 listeners.a.trustedSources',
  ]);
});

t.test('positions are right behind a byte order mark, CRLF and wide characters', async t => {
  t.strictSame(places(`\uFEFFlog: { x: 1 }\r\n# ü 😀\r\n${good}`), ['unknown-key 1:8 log.x']);
  t.strictSame(places(`log: { "😀": 1, x: 1 }\n${good}`), ['unknown-key 1:8 log."😀"', 'unknown-key 1:17 log.x']);
});

t.test('YAML that is none', async t => {
  const table: [string, string][] = [
    ['a: [1\nb: 2', 'yaml-syntax 2:1 '],
    ['a: "x', 'yaml-syntax 1:6 '],
    ['a:\n\tb: 1', 'yaml-syntax 2:1 '],
    ['a: 1\n---\nb: 2', 'yaml-syntax 2:1 '],
    ['a: !foo 1', 'yaml-syntax 1:4 '],
    ['{"listeners": }}', 'yaml-syntax 1:16 '],
  ];
  for (const [text, expected] of table) t.equal(places(text)[0], expected, text);
  t.match(told('a: "x')[0]?.message, /^this is not valid YAML: Missing closing "quote$/);
  const slips: [string, string][] = [
    ['a:\n\tb: 1', 'use spaces'],
    ['a: 1\n---\nb: 2', 'without the line ---'],
    ['a: [::1]:8080', 'quote it as a whole, as in "[::1]:8080"'],
    ['a:\n  b\n    c: 1', 'does it lack its colon?'],
  ];
  for (const [text, remedy] of slips) t.equal(told(text)[0]?.message.endsWith(remedy), true, text);
});

t.test('a key that stands twice', async t => {
  const text =
    'log: { access: true, access: false }\nlisteners:\n  a: &a { listen: 80, backendPort: 3000, trustedSources: [10.0.0.0/8] }\n  a: *a\n';
  t.strictSame(places(text), ['duplicate-key 1:22 log.access', 'duplicate-key 4:3 listeners.a']);
  t.equal(told(text)[1]?.message, 'this key was given in line 3 already: keep one of the two');
});

t.test('anchors, aliases and merge keys work', async t => {
  const settings = settingsOf(`
listeners:
  a: &a
    listen: 80
    backendPort: 3000
    trustedSources: &vpc [10.0.0.0/8]
    timeouts: { tunnel: 5m }
  b:
    <<: *a
    listen: 81
    backendPort: 3001
  c: { listen: 82, backendPort: 3002, trustedSources: *vpc }
`);
  t.match(settings.listeners, [
    { name: 'a', listen: { port: 80 } },
    { name: 'b', listen: { port: 81 }, timeouts: { tunnelMs: 300_000 }, trustedSources: [{ text: '10.0.0.0/8' }] },
    { name: 'c', trustedSources: [{ text: '10.0.0.0/8' }] },
  ]);
  t.match(told('log: *x')[0], { rule: 'yaml-syntax', line: 1, column: 1, path: 'log' });
  t.match(
    told('log: &x { a: *x }').find(problem => problem.path === 'log.a'),
    { rule: 'yaml-syntax' },
    'an anchor that holds itself',
  );
  t.match(
    told('log: { <<: 5 }').find(problem => problem.rule === 'invalid-key'),
    { line: 1, column: 8 },
  );
});

t.test('keys that would reach a prototype are harmless', async t => {
  t.strictSame(places(`__proto__: { listeners: {} }\n${good}`), ['invalid-key 1:1 ']);
  t.strictSame(places(`constructor: 1\n${good}`), ['unknown-key 1:1 constructor']);
  const { listeners } = settingsOf(good.replace('a:', 'constructor:'));
  t.equal(listeners[0]?.name, 'constructor');
  t.strictSame(places(good.replace('a:', '__proto__:')), ['no-listeners 1:1 listeners', 'invalid-key 1:14 listeners']);
  t.equal(Object.hasOwn(Object.prototype, 'listeners'), false);
});

t.test('what is too much is refused quickly', async t => {
  const laughs = ['a: &a0 [1,1,1,1,1,1,1,1,1,1]'];
  for (let level = 1; level < 12; level++) laughs.push(`a${level}: &a${level} [${`*a${level - 1},`.repeat(10)}]`);
  const table: [string, string, string][] = [
    ['a megabyte and more', `# ${'x'.repeat(1024 ** 2)}`, 'too-large'],
    ['too many values', `a: [${'1,'.repeat(400_000)}]`, 'too-large'],
    ['aliases of aliases', laughs.join('\n'), 'too-large'],
    ['lists in lists', '['.repeat(500_000), 'too-deep'],
    ['mappings in mappings', '{a: '.repeat(200_000), 'too-deep'],
    ['lists in lists, in blocks', '- '.repeat(400_000), 'too-deep'],
    [
      'mappings in mappings, in blocks',
      Array.from({ length: 600 }, (_, n) => `${' '.repeat(n)}a:`).join('\n'),
      'too-deep',
    ],
  ];
  for (const [name, text, rule] of table) {
    const before = performance.now();
    t.equal(told(text)[0]?.rule, rule, name);
    t.ok(performance.now() - before < 5000, `${name}: in time`);
  }
});

t.test('a whole configuration on one line is not too deep', async t => {
  const listeners = Object.fromEntries(
    Array.from({ length: 40 }, (_, n) => [`chat${n}`, { listen: 8000 + n, backendPort: 3000 + n }]),
  );
  t.equal(settingsOf(JSON.stringify({ listeners })).listeners.length, 40);
});

t.test('a file of faults tells the first hundred and counts the others', async t => {
  const keys = Array.from({ length: 300 }, (_, n) => `colour${n}: 1`).join('\n');
  const problems = told(`${keys}\n${good}`);
  t.equal(problems.length, 101);
  t.match(problems.at(-1), {
    rule: 'more-problems',
    message: '200 more of them are not shown: repair the ones above first',
  });
});

t.test('a message shows no control bytes and is bounded', async t => {
  const [problem] = told(`"\\e[31m\\u202Ex${'y'.repeat(500)}": 1\n${good}`);
  t.ok(problem);
  if (problem === undefined) return;
  const line = formatProblem(problem);
  t.notMatch(line, /[\p{Cc}\p{Cf}]/u);
  t.ok(line.length < 400, line);
});

t.test('a file', async t => {
  const dir = t.testdir({ 'good.yaml': good, 'bad.yaml': 'log: 5\n', directory: {} });
  for (const load of [loadConfigFile, loadConfigFileSync]) {
    t.match(await load(join(dir, 'good.yaml')), { ok: true, warnings: [] });
    t.match(await load(join(dir, 'bad.yaml')), {
      ok: false,
      problems: [{ rule: 'invalid-type' }, { rule: 'no-listeners' }],
    });
    const table: [string, RegExp][] = [
      ['missing.yaml', /no such file/],
      ['directory', /is a directory/],
      ['good.yaml/x', /not a directory/],
    ];
    for (const [name, message] of table) {
      const file = join(dir, name);
      const result = await load(file);
      t.match(result, {
        ok: false,
        problems: [{ rule: 'file-unreadable', file, line: 0, column: 0, path: '', message }],
      });
    }
    writeFileSync(join(dir, 'latin1.yaml'), Buffer.from([0x61, 0x3a, 0x20, 0xe4]));
    t.match(await load(join(dir, 'latin1.yaml')), { problems: [{ rule: 'file-unreadable', message: /UTF-8/ }] });
    writeFileSync(join(dir, 'large.yaml'), `#${'ä'.repeat(600_000)}`);
    t.match(await load(join(dir, 'large.yaml')), { problems: [{ rule: 'too-large', line: 1 }] });
    t.match(await load('/dev/zero'), { problems: [{ rule: 'too-large' }] }, 'a file without end');
    t.match(await load('bad\0name'), { problems: [{ rule: 'file-unreadable' }] });
  }
});

t.test('a problem is one line', async t => {
  const result = loadConfigText('log: 5', 'x.yaml');
  t.ok(!result.ok);
  if (result.ok) return;
  t.strictSame(result.problems.map(formatProblem), [
    'x.yaml:1:1 log: 5 is not a mapping of keys: write a mapping of keys here [invalid-type]',
    'x.yaml:1:1: there is no listener: add one, such as listeners: { chat: { listen: 8080, backendPort: 3000 } } [no-listeners]',
  ]);
  const [warning] = told('listeners: { a: { listen: 80, backendPort: 3000 } }');
  t.match(
    warning && formatProblem(warning),
    /^usher\.yaml:1:14 listeners\.a\.trustedSources: warning: .*\[trusted-sources-open\]$/,
  );
});

const words = [
  'listeners',
  'backends',
  'a',
  'b',
  'listen',
  'backendPort',
  'backend',
  'routes',
  'path',
  'host',
  'endpoints',
  'dns',
  'srv',
  'weight',
  'affinity',
  'cookie',
  'secret',
  'socket.io',
  'header',
  'healthCheck',
  'status',
  'sendProxyProtocol',
  'admin',
  'timeouts',
  'tunnel',
  'limits',
  'head',
  'trustedSources',
  'proxyProtocol',
  '__proto__',
  'constructor',
  'toString',
  '<<',
];
const values = [
  80,
  3000,
  0,
  -1,
  1e300,
  'optional',
  'off',
  '5s',
  '16KiB',
  'v1',
  '200-399',
  'chat.internal:3000',
  '10.0.0.0/8',
  'a',
  'localhost:80',
  '[::1]:80',
  '',
  null,
  true,
];
const { document } = fc.letrec(tie => ({
  document: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(...values),
    fc.array(tie('document'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...words), fc.string()), tie('document'), { maxKeys: 6 }),
  ),
}));

t.test('random documents never throw, and every fault has a place and words', async t => {
  const holds = (text: string) => {
    for (const problem of told(text)) {
      if (problem.line < 1 || problem.column < 1 || problem.message === '') throw new Error(formatProblem(problem));
      if (formatProblem(problem).includes('\n')) throw new Error('more than a line');
    }
  };
  fc.assert(
    fc.property(document, value => holds(JSON.stringify(value) ?? '')),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(document, value =>
      holds(JSON.stringify({ listeners: { a: value, b: value }, backends: { a: value } })),
    ),
    { numRuns: 1000 },
  );
  fc.assert(fc.property(fc.string({ unit: 'binary' }), holds), { numRuns: 500 });
  const yaml = fc.array(
    fc.constantFrom(...'abc:-[]{}&*!|>\'"#%@`,?\n \t~<'.split(''), 'listeners:', '\n  ', '<<: *a', '&a '),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(yaml, parts => holds(parts.join(''))),
    { numRuns: 3000 },
  );
  t.pass('none threw');
});
