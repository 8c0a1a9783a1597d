import t from 'tap';
import { formatProblem } from '../../../src/control/config/problem.js';
import { cookieNameFault } from '../../../src/http/affinity.js';
import { settingsOf, told } from './told.js';

const withKeys = (keys: string) =>
  `listeners:\n  a: { listen: 80, backend: b, trustedSources: [10.0.0.0/8] }\nbackends:\n  b: { endpoints: [1], ${keys} }\n`;
const SECRET = '0123456789abcdef';

const accepted: readonly (readonly [keys: string, balance: string, affinity: unknown])[] = [
  ['limits: {}', 'round-robin', undefined],
  ['balance: least-connections', 'least-connections', undefined],
  ['balance: hash', 'hash', { kind: 'client-ip' }],
  ['affinity: client-ip', 'hash', { kind: 'client-ip' }],
  ['affinity: client-ip, balance: hash', 'hash', { kind: 'client-ip' }],
  ['affinity: cookie', 'hash', { kind: 'cookie', name: 'usher-b', secret: undefined }],
  ['affinity: cookie, balance: round-robin', 'round-robin', { kind: 'cookie', name: 'usher-b', secret: undefined }],
  ['affinity: { cookie: {} }', 'hash', { kind: 'cookie', name: 'usher-b', secret: undefined }],
  [`affinity: { cookie: { name: at, secret: ${SECRET} } }`, 'hash', { kind: 'cookie', name: 'at', secret: SECRET }],
  ['affinity: socket.io', 'hash', { kind: 'socket.io', path: '/socket.io/' }],
  ['affinity: socket.io, balance: least-connections', 'least-connections', { kind: 'socket.io', path: '/socket.io/' }],
  ['affinity: { socket.io: { path: /engine.io/ } }', 'hash', { kind: 'socket.io', path: '/engine.io/' }],
  ['affinity: { path: "/room/:id" }', 'hash', { kind: 'path', pattern: '/room/:id' }],
  ['affinity: { path: "/:tenant/room/:id" }', 'hash', { kind: 'path', pattern: '/:tenant/room/:id' }],
  ['affinity: { header: X-Room }, balance: hash', 'hash', { kind: 'header', name: 'x-room' }],
  ['affinity: { query: room }', 'hash', { kind: 'query', name: 'room' }],
];

for (const [keys, balance, affinity] of accepted)
  t.test(`${keys} is fine`, async t => {
    const [backend] = settingsOf(withKeys(keys)).backends;
    t.equal(backend?.balance, balance);
    t.strictSame(backend?.affinity, affinity);
  });

t.test('the cookie of a backend with the longest name has a name that every browser takes', async t => {
  const name = `a${'-'.repeat(62)}`;
  const text = withKeys('affinity: cookie').replace('backend: b', `backend: ${name}`).replace('  b:', `  ${name}:`);
  const affinity = settingsOf(text).backends[0]?.affinity;
  if (affinity?.kind !== 'cookie') throw new Error('it has no cookie');
  t.equal(affinity.name, `usher-${name}`);
  t.equal(cookieNameFault(affinity.name), undefined);
});

const at = 'backends.b.affinity';
const choice = 'one of cookie, socket.io, path, header and query';
const forms =
  'use client-ip, cookie, socket.io, { path: /room/:id }, { header: x-room }, { query: room }, or remove the key';
const refused: readonly (readonly [value: string, rule: string, path: string, message: string])[] = [
  ['sticky', 'invalid-value', at, `"sticky" is not an affinity: ${forms}`],
  ['null', 'invalid-value', at, `null is not an affinity: ${forms}`],
  ['[cookie]', 'invalid-value', at, `a list is not an affinity: ${forms}`],
  ['cokie', 'invalid-value', at, '"cokie" is not an affinity: did you mean cookie?'],
  ['socketio', 'invalid-value', at, '"socketio" is not an affinity: did you mean socket.io?'],
  ['heade', 'invalid-value', at, '"heade" is not an affinity: did you mean { header: x-room }?'],
  ['header', 'invalid-value', at, '"header" alone does not say which: write { header: x-room }'],
  ['{}', 'affinity-choice', at, `names no affinity: give it ${choice}`],
  ['{ header: a, query: b }', 'affinity-choice', at, `has header and query: keep ${choice}`],
  ['{ headr: a }', 'unknown-key', `${at}.headr`, 'unknown key "headr": did you mean header?'],
  [
    '{ room: a }',
    'unknown-key',
    `${at}.room`,
    'unknown key "room": remove it; the keys here are cookie, socket.io, path, header, query',
  ],
  ['{ cookie: { nam: a } }', 'unknown-key', `${at}.cookie.nam`, 'unknown key "nam": did you mean name?'],
  [
    '{ cookie: usher }',
    'invalid-type',
    `${at}.cookie`,
    '"usher" is not a mapping of keys: write a mapping of keys here',
  ],
  [
    '{ cookie: { name: "a b" } }',
    'invalid-cookie-name',
    `${at}.cookie.name`,
    `"a b" is not a cookie name: use letters, digits and the marks !#$%&'*+-.^_\`|~ (RFC 6265 4.1.1)`,
  ],
  [
    '{ cookie: { name: 5 } }',
    'invalid-cookie-name',
    `${at}.cookie.name`,
    '5 is not a cookie name: write text such as usher-chat',
  ],
  [
    '{ socket.io: { path: engine.io } }',
    'invalid-path',
    `${at}."socket.io".path`,
    '"engine.io" is not a path prefix: begin with /, as in /socket.io/, without ? or #',
  ],
  [
    '{ header: "x room" }',
    'invalid-header-name',
    `${at}.header`,
    '"x room" is not a name of a header field: write one such as x-room',
  ],
  [
    '{ header: X_Forwarded_For }',
    'invalid-header-name',
    `${at}.header`,
    'usher writes "X_Forwarded_For" itself and removes what clients send: use affinity: client-ip',
  ],
  [
    '{ query: "a=b" }',
    'invalid-query-name',
    `${at}.query`,
    '"a=b" is not a name of a query parameter: write it without %, &, =, + and spaces, such as room',
  ],
  [
    '{ path: [a] }',
    'invalid-path-pattern',
    `${at}.path`,
    'a list is not a pattern of a path: write one such as /room/:id',
  ],
  [
    '{ path: "/a b/:id" }',
    'invalid-path-pattern',
    `${at}.path`,
    '"/a b/:id" is not a pattern of a path: write one such as /room/:id',
  ],
  ['{ path: "room/:id" }', 'invalid-path-pattern', `${at}.path`, '"room/:id" does not begin with /'],
  [
    '{ path: /room }',
    'invalid-path-pattern',
    `${at}.path`,
    '"/room" names no segment, so that every path would belong together: write /room/:id',
  ],
];

for (const [value, rule, path, message] of refused)
  t.test(`affinity: ${value} is refused`, async t => {
    t.strictSame(
      told(withKeys(`affinity: ${value}`)).map(({ rule, path, message }) => ({ rule, path, message })),
      [{ rule, path, message }],
    );
  });

t.test('a secret is long enough, text, and never shown', async t => {
  const length = 'use 16 to 1024 characters, such as the output of openssl rand -hex 32';
  for (const [secret, words] of [
    ['hush-hush-hush!', `the secret is too short: ${length}`],
    ['x'.repeat(1025), `the secret is too long: ${length}`],
    ['1234567890123456', 'the secret is not text: put it into quotation marks'],
  ] as const) {
    const problems = told(withKeys(`affinity: { cookie: { secret: ${secret} } }`));
    t.match(problems, [{ rule: 'invalid-secret', path: `${at}.cookie.secret`, message: words }]);
    t.notOk(problems.map(formatProblem).join().includes(secret));
  }
});
