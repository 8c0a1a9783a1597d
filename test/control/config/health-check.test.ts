import t from 'tap';
import { settingsOf, told } from './told.js';

const withCheck = (keys: string) =>
  `listeners:\n  a: { listen: 80, backend: b, trustedSources: [10.0.0.0/8] }\nbackends:\n  b: { endpoints: [1], healthCheck: ${keys} }\n`;
const checkOf = (keys: string) => settingsOf(withCheck(keys)).backends[0]?.healthCheck;

t.test('nothing but a mapping is a check by TCP', async t => {
  const tcp = { http: undefined, intervalMs: 2000, timeoutMs: 1000, rise: 2, fall: 3 };
  t.strictSame(checkOf('{}'), tcp);
  t.strictSame(checkOf('{ rise: 1, fall: 100 }'), { ...tcp, rise: 1, fall: 100 });
});

t.test('the timeout is 1s, or the interval when that is shorter', async t => {
  t.match(checkOf('{ interval: 5s }'), { intervalMs: 5000, timeoutMs: 1000 });
  t.match(checkOf('{ interval: 100ms }'), { intervalMs: 100, timeoutMs: 100 });
  t.match(checkOf('{ interval: 5s, timeout: 5s }'), { intervalMs: 5000, timeoutMs: 5000 });
});

t.test('with a path it is a GET', async t => {
  const http = (keys: string) => checkOf(keys)?.http;
  t.match(http('{ path: /healthz }'), { path: '/healthz', host: undefined });
  const { statuses = [] } = http('{ path: "/healthz?deep=1" }') ?? {};
  t.strictSame([statuses.length, statuses[0], statuses.at(-1)], [200, 200, 399]);
  const table: [string, number[]][] = [
    ['204', [204]],
    ['"204"', [204]],
    ['200-202', [200, 201, 202]],
    ['[301, 200, 200]', [200, 301]],
    ['[404, 200-202]', [200, 201, 202, 404]],
    ['599', [599]],
  ];
  for (const [status, expected] of table)
    t.strictSame(http(`{ path: /, status: ${status} }`)?.statuses, expected, status);
  const hosts: [string, string][] = [
    ['Chat.example', 'chat.example'],
    ['chat.example:3000', 'chat.example:3000'],
    ['10.0.0.1', '10.0.0.1'],
    ['"[FD00::1]:80"', '[fd00::1]:80'],
  ];
  for (const [host, expected] of hosts) t.equal(http(`{ path: /, host: ${host} }`)?.host, expected, host);
});

const at = 'backends.b.healthCheck';
const statusForm = 'use 200 to 599, a range such as 200-399, or a list of them';
const refused: readonly (readonly [keys: string, rule: string, path: string, message: string])[] = [
  ['null', 'invalid-type', at, 'is empty: indent its keys below it, or remove the key'],
  ['/healthz', 'invalid-type', at, '"/healthz" is not a mapping of keys: write a mapping of keys here'],
  ['{ intervall: 5s }', 'unknown-key', `${at}.intervall`, 'unknown key "intervall": did you mean interval?'],
  [
    '{ port: 80 }',
    'unknown-key',
    `${at}.port`,
    'unknown key "port": remove it; the keys here are path, host, status, interval, timeout, rise, fall',
  ],
  [
    '{ path: healthz }',
    'invalid-path',
    `${at}.path`,
    '"healthz" is not a path: begin with /, as in /healthz, without # or spaces',
  ],
  [
    '{ path: /, host: "a/b" }',
    'invalid-host',
    `${at}.host`,
    '"a/b" is not a host: write chat.example.com or chat.example.com:3000',
  ],
  [
    '{ path: /, host: "a:0" }',
    'invalid-host',
    `${at}.host`,
    '"a:0" is not a host: write chat.example.com or chat.example.com:3000',
  ],
  ['{ path: /, status: 99 }', 'invalid-status', `${at}.status`, `99 is no status: ${statusForm}`],
  ['{ path: /, status: 101 }', 'invalid-status', `${at}.status`, `101 is no status: ${statusForm}`],
  ['{ path: /, status: 399-200 }', 'invalid-status', `${at}.status`, `"399-200" is no status: ${statusForm}`],
  ['{ path: /, status: 2xx }', 'invalid-status', `${at}.status`, `"2xx" is no status: ${statusForm}`],
  ['{ path: /, status: [200, ok] }', 'invalid-status', `${at}.status`, `"ok" is no status: ${statusForm}`],
  ['{ path: /, status: [] }', 'invalid-status', `${at}.status`, 'the list is empty: write 200-399 or remove the key'],
  ['{ rise: 0 }', 'out-of-range', `${at}.rise`, '0 is too small: use 1 to 100'],
  ['{ interval: 50ms }', 'out-of-range', `${at}.interval`, '50ms is too short: use 100ms to 1h'],
];

for (const [keys, rule, path, message] of refused)
  t.test(`healthCheck: ${keys} is refused`, async t => {
    t.strictSame(
      told(withCheck(keys)).map(({ rule, path, message }) => ({ rule, path, message })),
      [{ rule, path, message }],
    );
  });
