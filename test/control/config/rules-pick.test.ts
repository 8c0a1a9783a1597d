import t from 'tap';
import { formatProblem } from '../../../src/control/config/problem.js';
import { places, told } from './told.js';

const withBackend = (keys: string, listener = '') =>
  `listeners:\n  a: { listen: 80, backend: b, trustedSources: [10.0.0.0/8]${listener} }\nbackends:\n  b: { endpoints: [1], ${keys} }\n`;
const tcp = ', protocol: tcp';
/** Two backends of one listener. */
const withTwo = (one: string, two: string, routes = '{ path: /two/, backend: two }') =>
  `listeners:\n  a: { listen: 80, proxyProtocol: off, backend: one, routes: [${routes}] }\nbackends:\n  one: { endpoints: [1], affinity: ${one} }\n  two: { endpoints: [2], affinity: ${two} }\n`;
const seat = '{ cookie: { name: seat } }';
const SECOND = 'duplicate-cookie-name 5:48 backends.two.affinity.cookie.name';

interface Case {
  readonly name: string;
  readonly text: string;
  readonly expect: readonly string[];
}

const cases: readonly Case[] = [
  ...['client-ip', '{ path: "/:x" }', '{ header: x }', '{ query: x }'].map(affinity => ({
    name: `affinity-balance: ${affinity} decides alone`,
    text: withBackend(`balance: round-robin, affinity: ${affinity}`),
    expect: ['affinity-balance 4:24 backends.b.balance'],
  })),
  {
    name: 'affinity-balance: a refused affinity is not told again',
    text: withBackend('balance: round-robin, affinity: { header: "" }'),
    expect: ['invalid-header-name 4:58 backends.b.affinity.header'],
  },
  ...['balance: round-robin', 'balance: least-connections'].map(keys => ({
    name: `affinity-needs-hash: ${keys} beside socket.io`,
    text: withBackend(`${keys}, affinity: socket.io`).replace('[1]', '[1, 2]'),
    expect: ['affinity-needs-hash 4:27 backends.b.balance'],
  })),
  {
    name: 'affinity-needs-hash: a name in DNS may have many endpoints',
    text: withBackend('balance: round-robin, affinity: { socket.io: {} }').replace('[1]', '[{ dns: "a:1" }]'),
    expect: ['affinity-needs-hash 4:37 backends.b.balance'],
  },
  ...['affinity: socket.io', 'affinity: socket.io, balance: hash', 'affinity: cookie, balance: round-robin'].map(
    keys => ({ name: `${keys} is fine`, text: withBackend(keys).replace('[1]', '[1, 2]'), expect: [] }),
  ),
  {
    name: 'affinity-needs-hash: one endpoint needs no choice',
    text: withBackend('balance: round-robin, affinity: socket.io'),
    expect: [],
  },
  ...['cookie', 'socket.io', '{ path: "/:x" }', '{ header: x }', '{ query: x }'].map(affinity => ({
    name: `affinity-needs-http: ${affinity}`,
    text: withBackend(`affinity: ${affinity}`, tcp),
    expect: ['affinity-needs-http 2:20 listeners.a.backend'],
  })),
  { name: 'duplicate-cookie-name', text: withTwo(seat, seat), expect: [SECOND] },
  {
    name: 'duplicate-cookie-name: the default of the other backend',
    text: withTwo('{ cookie: { name: usher-two } }', 'cookie'),
    expect: ['duplicate-cookie-name 4:48 backends.one.affinity.cookie.name'],
  },
  {
    name: 'duplicate-cookie-name: is told once for many routes',
    text: withTwo(seat, seat, '{ path: /two/, backend: two }, { path: /2/, backend: two }, { backend: one, path: /x }'),
    expect: [SECOND],
  },
  {
    name: 'duplicate-cookie-name: routes to one host',
    text: withTwo(seat, seat, '{ host: a, backend: two }, { host: A, path: /x, backend: one }').replace(
      'backend: one,',
      '',
    ),
    expect: [SECOND],
  },
  {
    name: 'one cookie name is fine for two hosts, which browsers keep apart',
    text: withTwo(seat, seat, '{ host: a, backend: two }, { host: b, backend: one }').replace('backend: one,', ''),
    expect: [],
  },
  { name: 'the default names of two backends differ', text: withTwo('cookie', '{ cookie: {} }'), expect: [] },
  {
    name: 'one cookie name is fine for a backend that is named twice',
    text: withTwo(seat, 'client-ip', '{ path: /one/, backend: one }, { path: /two/, backend: two }'),
    expect: [],
  },
  {
    name: 'one cookie name is fine for the backends of two listeners',
    text: withTwo(seat, seat).replace(', routes: [', ' }\n  c: { listen: 81, proxyProtocol: off, routes: ['),
    expect: [],
  },
  ...['affinity: client-ip', 'balance: hash', 'balance: round-robin'].map(keys => ({
    name: `${keys} is fine with protocol tcp`,
    text: withBackend(keys, tcp),
    expect: [],
  })),
  ...['balance: round-robin', 'balance: least-connections', 'holdFor: 1s'].map(keys => ({
    name: `load-bound-needs-hash: ${keys}`,
    text: withBackend(`loadBound: 1.25, ${keys}`),
    expect: ['load-bound-needs-hash 4:24 backends.b.loadBound'],
  })),
  {
    name: 'load-bound-needs-hash: sessions that are placed otherwise',
    text: withBackend('loadBound: 1.25, affinity: cookie, balance: least-connections'),
    expect: ['load-bound-needs-hash 4:24 backends.b.loadBound'],
  },
  ...['balance: hash', 'affinity: { header: x }', 'affinity: cookie'].map(keys => ({
    name: `loadBound is fine with ${keys}`,
    text: withBackend(`loadBound: 1, ${keys}`),
    expect: [],
  })),
  {
    name: 'load-bound-needs-hash: a refused balance may have been hash',
    text: withBackend('loadBound: 1.25, balance: hsah'),
    expect: ['invalid-value 4:41 backends.b.balance'],
  },
  {
    name: 'health-needs-path',
    text: withBackend('healthCheck: { host: a, status: 200, interval: 5s }'),
    expect: [
      'health-needs-path 4:39 backends.b.healthCheck.host',
      'health-needs-path 4:48 backends.b.healthCheck.status',
    ],
  },
  {
    name: 'health-needs-path: a refused path was meant',
    text: withBackend('healthCheck: { host: a, path: x }'),
    expect: ['invalid-path 4:48 backends.b.healthCheck.path'],
  },
  {
    name: 'health-timeout',
    text: withBackend('healthCheck: { timeout: 1s, interval: 999ms }'),
    expect: ['health-timeout 4:39 backends.b.healthCheck.timeout'],
  },
  {
    name: 'health-timeout: longer than the default of the interval',
    text: withBackend('healthCheck: { timeout: 3s }'),
    expect: ['health-timeout 4:39 backends.b.healthCheck.timeout'],
  },
  {
    name: 'health-timeout: a refused interval may have been longer',
    text: withBackend('healthCheck: { timeout: 3s, interval: 5 }'),
    expect: ['invalid-duration 4:52 backends.b.healthCheck.interval'],
  },
];

for (const { name, text, expect } of cases)
  t.test(name, async t => {
    t.strictSame(places(text), expect);
  });

t.test('the words', async t => {
  const words = (...of: Parameters<typeof withBackend>) => told(withBackend(...of)).map(({ message }) => message);
  t.strictSame(words('affinity: { header: x-room }, balance: round-robin'), [
    'affinity: { header: x-room } hashes its key and so decides alone, which leaves nothing to balance: round-robin: write balance: hash, or remove one of the two keys',
  ]);
  t.strictSame(
    told(withBackend('balance: round-robin, affinity: socket.io').replace('[1]', '[1, 2]')).map(formatProblem),
    [
      'usher.yaml:4:27 backends.b.balance: warning: with balance: round-robin only the usher that saw the handshake of a session knows its endpoint, so where a balancer spreads a client over several ushers the others find it by chance: write balance: hash, or remove the key; with a single usher ignore this [affinity-needs-hash]',
    ],
  );
  t.strictSame(words('affinity: { path: "/room/:id" }', tcp), [
    'backends.b (line 4) has affinity: { path: /room/:id }, which protocol tcp cannot see: use affinity: client-ip, or give this listener a backend of its own',
  ]);
  t.strictSame(
    told(withTwo(seat, seat)).map(({ message }) => message),
    [
      "seat is the cookie of backends.one (line 4) already, and listeners.a (line 2) uses both, so each would replace the other's in a browser: write another name, or remove the key, and it is usher-two",
    ],
  );
  t.strictSame(words('loadBound: 2'), [
    'loadBound goes with balance: hash, and the balance here is round-robin: write balance: hash, or remove loadBound',
  ]);
  t.strictSame(words('healthCheck: { status: 200 }'), [
    'status is for a check by HTTP, and without path only a TCP connection is tried: add path, such as /healthz, or remove status',
  ]);
  t.strictSame(words('healthCheck: { timeout: 5s }'), [
    'a check of 5s would outlast the interval of 2s: use 2s or less, or a longer interval',
  ]);
});
