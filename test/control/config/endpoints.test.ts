import t from 'tap';
import { settingsOf, told } from './told.js';

const withEndpoints = (items: string) =>
  `listeners:\n  a: { listen: 80, backend: b, trustedSources: [10.0.0.0/8] }\nbackends:\n  b: { endpoints: [${items}] }\n`;
const path = 'backends.b.endpoints[0]';

t.test('an endpoint is a port, an address, or a mapping', async t => {
  const [backend] = settingsOf(
    withEndpoints(
      '3001, 10.0.1.7:3000, "[fd00::7]:3000", "chat.internal:3000", { address: 3002 }, { address: "h:1", weight: 1000 }',
    ),
  ).backends;
  t.strictSame(backend?.endpoints, [
    { host: '127.0.0.1', port: 3001, weight: 1 },
    { host: '10.0.1.7', port: 3000, weight: 1 },
    { host: 'fd00::7', port: 3000, weight: 1 },
    { host: 'chat.internal', port: 3000, weight: 1 },
    { host: '127.0.0.1', port: 3002, weight: 1 },
    { host: 'h', port: 1, weight: 1000 },
  ]);
  t.strictSame(backend?.dns, []);
});

t.test('names that are looked up', async t => {
  const [backend] = settingsOf(
    withEndpoints('{ dns: "Chat.internal:3000" }, { dns: "b.:1", weight: 3 }, { srv: _chat._tcp.Chat.internal. }'),
  ).backends;
  t.strictSame(backend?.endpoints, []);
  t.strictSame(backend?.dns, [
    { kind: 'address', name: 'chat.internal', port: 3000, weight: 1 },
    { kind: 'address', name: 'b', port: 1, weight: 3 },
    { kind: 'srv', name: '_chat._tcp.chat.internal' },
  ]);
});

const dnsForm = 'is not a name and a port: write chat.internal:3000, or srv: when DNS gives the port';
const srvForm = 'is not a name of SRV records: write letters, digits, _, - and dots, as in _chat._tcp.chat.internal';
const noDns = 'is an address, for which DNS is not asked: write address:';
const refused: readonly (readonly [item: string, rule: string, path: string, message: string])[] = [
  ['{ adress: 3001 }', 'unknown-key', `${path}.adress`, 'unknown key "adress": did you mean address?'],
  ['{ address: 1, wieght: 2 }', 'unknown-key', `${path}.wieght`, 'unknown key "wieght": did you mean weight?'],
  ['{}', 'endpoint-choice', path, 'names no endpoint: give it one of address, dns and srv'],
  ['{ weight: 2 }', 'endpoint-choice', path, 'names no endpoint: give it one of address, dns and srv'],
  ['{ address: 1, srv: x }', 'endpoint-choice', path, 'has address and srv: keep one of address, dns and srv'],
  ['{ srv: x, weight: 2 }', 'weight-with-srv', `${path}.weight`, 'SRV records give the weights themselves: remove it'],
  ['{ address: 1, weight: 0 }', 'out-of-range', `${path}.weight`, '0 is too small: use 1 to 1000'],
  ['{ address: 1, weight: 1001 }', 'out-of-range', `${path}.weight`, '1001 is too large: use 1 to 1000'],
  ['{ address: 1, weight: 1.5 }', 'invalid-value', `${path}.weight`, '1.5 is not a whole number: use 1 to 1000'],
  [
    '{ address: x }',
    'invalid-endpoint',
    `${path}.address`,
    '"x" is not an endpoint: write a port, host:port or [v6]:port',
  ],
  ['{ address: 0 }', 'invalid-port', `${path}.address`, '0 is not a port: use a whole number from 1 to 65535'],
  ['null', 'invalid-endpoint', path, 'null is not an endpoint: write a port, host:port or [v6]:port'],
  ['[3001]', 'invalid-endpoint', path, 'a list is not an endpoint: write a port, host:port or [v6]:port'],
  ['{ dns: 10.0.1.7:3000 }', 'invalid-dns-name', `${path}.dns`, `"10.0.1.7:3000" ${noDns} 10.0.1.7:3000`],
  ['{ dns: "[fd00::7]:80" }', 'invalid-dns-name', `${path}.dns`, `"[fd00::7]:80" ${noDns} [fd00::7]:80`],
  ['{ dns: 3000 }', 'invalid-dns-name', `${path}.dns`, `3000 ${noDns} 3000`],
  ['{ dns: chat.internal }', 'invalid-dns-name', `${path}.dns`, `"chat.internal" ${dnsForm}`],
  ['{ dns: "a..b:1" }', 'invalid-dns-name', `${path}.dns`, `"a..b:1" ${dnsForm}`],
  ['{ dns: [a] }', 'invalid-dns-name', `${path}.dns`, `a list ${dnsForm}`],
  ['{ dns: "a:70000" }', 'invalid-port', `${path}.dns`, '"70000" is not a port: use a whole number from 1 to 65535'],
  ['{ srv: 10.0.1.7 }', 'invalid-srv-name', `${path}.srv`, `"10.0.1.7" ${noDns} 10.0.1.7`],
  [
    '{ srv: "_a._tcp.b:3000" }',
    'invalid-srv-name',
    `${path}.srv`,
    '"_a._tcp.b:3000" has a port, which the SRV records give: write "_a._tcp.b", or dns: instead',
  ],
  ['{ srv: "_a._tcp.b c" }', 'invalid-srv-name', `${path}.srv`, `"_a._tcp.b c" ${srvForm}`],
  ['{ srv: "_a._tcp.*" }', 'invalid-srv-name', `${path}.srv`, `"_a._tcp.*" ${srvForm}`],
  ['{ srv: "" }', 'invalid-srv-name', `${path}.srv`, `"" ${srvForm}`],
];

for (const [item, rule, path, message] of refused)
  t.test(`${item} is refused`, async t => {
    t.strictSame(
      told(withEndpoints(item)).map(({ rule, path, message }) => ({ rule, path, message })),
      [{ rule, path, message }],
    );
  });

t.test('every fault of a list is told, and the rest of it is still looked at', async t => {
  const problems = told(withEndpoints('{ dns: x }, 3001, { address: 3001 }, { weight: 0, srv: "?" }'));
  t.strictSame(
    problems.map(({ rule, column }) => `${rule} ${column}`),
    ['invalid-dns-name 22', 'duplicate-backend-port 38', 'out-of-range 59', 'invalid-srv-name 70'],
  );
});
