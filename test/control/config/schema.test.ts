import t from 'tap';
import { places, settingsOf, told } from './told.js';

const withListener = (keys: string) =>
  `listeners:\n  a: { listen: 80, backendPort: 3000, trustedSources: [10.0.0.0/8], ${keys} }\n`;
const withBackend = (keys: string) =>
  `listeners:\n  a: { listen: 80, backend: b, trustedSources: [10.0.0.0/8] }\nbackends:\n  b: { endpoints: [1], ${keys} }\n`;

interface Case {
  readonly text: string;
  readonly rule: string;
  readonly path: string;
  readonly message: string | RegExp;
}

const timeout = 'listeners.a.timeouts';
const limit = 'listeners.a.limits';
const cases: readonly Case[] = [
  {
    text: withListener('timeouts: { response: 5 }'),
    rule: 'invalid-duration',
    path: `${timeout}.response`,
    message: '5 has no unit: write 5s or 250ms',
  },
  {
    text: withListener('timeouts: { response: 5 s }'),
    rule: 'invalid-duration',
    path: `${timeout}.response`,
    message: '"5 s" is not a duration: write 250ms, 5s, 2m or 1h',
  },
  {
    text: withListener('timeouts: { response: true }'),
    rule: 'invalid-duration',
    path: `${timeout}.response`,
    message: /^true is not a duration/,
  },
  {
    text: withListener('timeouts: { response: 0s }'),
    rule: 'out-of-range',
    path: `${timeout}.response`,
    message: '0s is too short: use 100ms to 1h',
  },
  {
    text: withListener('timeouts: { response: -5s }'),
    rule: 'out-of-range',
    path: `${timeout}.response`,
    message: '-5s is too short: use 100ms to 1h',
  },
  {
    text: withListener('timeouts: { response: 1000h }'),
    rule: 'out-of-range',
    path: `${timeout}.response`,
    message: '1000h is too long: use 100ms to 1h',
  },
  {
    text: withListener('timeouts: { proxyHeader: 99ms }'),
    rule: 'out-of-range',
    path: `${timeout}.proxyHeader`,
    message: '99ms is too short: use 100ms to 1m',
  },
  {
    text: withListener('timeouts: { tunnel: 10ms }'),
    rule: 'out-of-range',
    path: `${timeout}.tunnel`,
    message: '10ms is too short: use 1s to 168h, or 0s for no limit',
  },
  {
    text: withListener('timeouts: null'),
    rule: 'invalid-type',
    path: timeout,
    message: 'is empty: indent its keys below it, or remove the key',
  },
  {
    text: withListener('timeouts: [5s]'),
    rule: 'invalid-type',
    path: timeout,
    message: 'a list is not a mapping of keys: write a mapping of keys here',
  },
  {
    text: withListener('limits: { head: 16KB }'),
    rule: 'invalid-size',
    path: `${limit}.head`,
    message: '"16KB" is not a size: write 16KiB, 1MiB or plain bytes such as 4096',
  },
  {
    text: withListener('limits: { head: 1GiB }'),
    rule: 'out-of-range',
    path: `${limit}.head`,
    message: '1GiB is too large: use 256 to 1MiB',
  },
  {
    text: withListener('limits: { proxyHeader: 106 }'),
    rule: 'out-of-range',
    path: `${limit}.proxyHeader`,
    message: '106 is too small: use 107 to 65551',
  },
  {
    text: withListener('limits: { connections: 0 }'),
    rule: 'out-of-range',
    path: `${limit}.connections`,
    message: '0 is too small: use 1 to 1000000',
  },
  {
    text: withListener('limits: { headFields: 1e9 }'),
    rule: 'out-of-range',
    path: `${limit}.headFields`,
    message: /too large/,
  },
  {
    text: withListener('limits: { headFields: many }'),
    rule: 'invalid-value',
    path: `${limit}.headFields`,
    message: '"many" is not a whole number: use 1 to 2000',
  },
  {
    text: withListener('protocol: htpp'),
    rule: 'invalid-value',
    path: 'listeners.a.protocol',
    message: '"htpp" is not one of http, tcp: did you mean http?',
  },
  {
    text: withListener('proxyProtocol: false'),
    rule: 'invalid-value',
    path: 'listeners.a.proxyProtocol',
    message: 'false is not one of required, optional, off: use required, optional, off',
  },
  {
    text: withListener('forwarded: "yes"'),
    rule: 'invalid-type',
    path: 'listeners.a.forwarded',
    message: '"yes" is not true or false: write true or false here',
  },
  {
    text: withListener('forwardedProto: ftp'),
    rule: 'invalid-value',
    path: 'listeners.a.forwardedProto',
    message: /not one of auto, http, https/,
  },
  {
    text: 'listeners: { a: { listen: 0, backendPort: 1, trustedSources: [::1/128] } }',
    rule: 'invalid-port',
    path: 'listeners.a.listen',
    message: '0 is not a port: use a whole number from 1 to 65535',
  },
  {
    text: 'listeners: { a: { listen: 1, backendPort: 65536, trustedSources: ["::1/128"] } }',
    rule: 'invalid-port',
    path: 'listeners.a.backendPort',
    message: '65536 is not a port: use a whole number from 1 to 65535',
  },
  {
    text: 'listeners: { a: { listen: 1, backendPort: 2, trustedSources: [300.0.0.0/8] } }',
    rule: 'invalid-cidr',
    path: 'listeners.a.trustedSources[0]',
    message: '"300.0.0.0/8" is not an address range: write 10.0.0.0/8 or fd00::/8',
  },
  {
    text: 'listeners: { a_b: { listen: 1, backendPort: 2, trustedSources: ["::1/128"] } }',
    rule: 'invalid-name',
    path: 'listeners.a_b',
    message: '"a_b" cannot be a name: use up to 63 letters, digits and hyphens, a hyphen not first',
  },
  {
    text: withBackend('balance: random'),
    rule: 'invalid-value',
    path: 'backends.b.balance',
    message: /not one of round-robin, least-connections, hash/,
  },
  {
    text: withBackend('timeouts: { idle: 0s }'),
    rule: 'out-of-range',
    path: 'backends.b.timeouts.idle',
    message: '0s is too short: use 10ms to 1h',
  },
  {
    text: withBackend('limits: { idleConnections: -1 }'),
    rule: 'out-of-range',
    path: 'backends.b.limits.idleConnections',
    message: '-1 is too small: use 0 to 100000',
  },
  {
    text: withBackend('checkInterval: 1s'),
    rule: 'unknown-key',
    path: 'backends.b.checkInterval',
    message: 'unknown key "checkInterval": write healthCheck: { interval: 2s } in the backend instead',
  },
  {
    text: withBackend('interval: 1s'),
    rule: 'unknown-key',
    path: 'backends.b.interval',
    message: 'unknown key "interval": it belongs below backends.NAME.healthCheck',
  },
  {
    text: withBackend('loadBound: 0.5, balance: hash'),
    rule: 'out-of-range',
    path: 'backends.b.loadBound',
    message: '0.5 is too small: use 1 to 100',
  },
  {
    text: withBackend('loadBound: .inf, balance: hash'),
    rule: 'out-of-range',
    path: 'backends.b.loadBound',
    message: 'Infinity is too large: use 1 to 100',
  },
  {
    text: withBackend('loadBound: 125%, balance: hash'),
    rule: 'invalid-value',
    path: 'backends.b.loadBound',
    message: '"125%" is not a number: use 1 to 100, such as 1.25',
  },
  {
    text: withBackend('slowStart: 2h'),
    rule: 'out-of-range',
    path: 'backends.b.slowStart',
    message: '2h is too long: use 100ms to 1h, or 0s for its whole share at once',
  },
  {
    text: withBackend('holdFor: 3'),
    rule: 'invalid-duration',
    path: 'backends.b.holdFor',
    message: '3 has no unit: write 5s or 250ms',
  },
  {
    text: withBackend('').replace('[1]', '[]'),
    rule: 'out-of-range',
    path: 'backends.b.endpoints',
    message: 'the list is too short: give it at least 1 entry',
  },
  {
    text: withBackend('').replace('[1]', '3000'),
    rule: 'invalid-type',
    path: 'backends.b.endpoints',
    message: '3000 is not a list: write [3000]',
  },
  {
    text: withBackend('').replace('[1]', '[a:b]'),
    rule: 'invalid-endpoint',
    path: 'backends.b.endpoints[0]',
    message: '"a:b" is not an endpoint: write a port, host:port or [v6]:port',
  },
  {
    text: `${withListener('')}admin: true\n`,
    rule: 'invalid-value',
    path: 'admin',
    message: 'true is not an admin listener: write listen: 127.0.0.1:9180 below it, or off',
  },
  {
    text: `${withListener('')}admin: { listen: x }\n`,
    rule: 'invalid-listen',
    path: 'admin.listen',
    message: /^"x" is not a listen address/,
  },
  {
    text: `${withListener('')}log: { level: trace }\n`,
    rule: 'invalid-value',
    path: 'log.level',
    message: /not one of debug, info, warn, error/,
  },
  {
    text: `${withListener('')}drain: { timeout: 25 }\n`,
    rule: 'invalid-duration',
    path: 'drain.timeout',
    message: '25 has no unit: write 5s or 250ms',
  },
  {
    text: '[1, 2]',
    rule: 'invalid-type',
    path: '',
    message: 'a list is not a mapping of keys: write a mapping of keys here',
  },
  { text: 'hello', rule: 'invalid-type', path: '', message: /^"hello" is not a mapping/ },
  {
    text: 'listeners: null',
    rule: 'invalid-type',
    path: 'listeners',
    message: 'is empty: indent its keys below it, or remove the key',
  },
  {
    text: 'listeners: [{ listen: 80 }]',
    rule: 'invalid-type',
    path: 'listeners',
    message: 'a list is not a mapping of names: write NAME: where each - is',
  },
  {
    text: 'listeners: { a: { listen: 80, backendPort: 3000, trustedSources: 10.0.0.0/8 } }',
    rule: 'invalid-type',
    path: 'listeners.a.trustedSources',
    message: '"10.0.0.0/8" is not a list: write ["10.0.0.0/8"]',
  },
  {
    text: withBackend('').replace('backend: b', 'routes: [{ path: /socket.io/*, backend: b }]'),
    rule: 'invalid-path',
    path: 'listeners.a.routes[0].path',
    message: '"/socket.io/*" would match a * only: a path is a prefix anyway, write "/socket.io/"',
  },
];

for (const { text, rule, path, message } of cases)
  t.test(`${rule} ${path} ${String(message).slice(0, 40)}`, async t => {
    const problems = told(text).filter(problem => problem.severity === 'error');
    t.match(problems[0], { rule, path, message });
    t.equal(problems.length, 1, 'told once');
  });

t.test('routes are checked', async t => {
  const text = (route: string) =>
    `listeners:\n  a: { listen: 80, trustedSources: ["::1/128"], routes: [${route}] }\nbackends: { b: { endpoints: [1] } }`;
  t.strictSame(places(text('{ backend: b }')), [], 'path is / when left out');
  const bad: [string, string][] = [
    ['{ path: x, backend: b }', 'invalid-path 2:60 listeners.a.routes[0].path'],
    ['{ path: /a?b, backend: b }', 'invalid-path 2:60 listeners.a.routes[0].path'],
    ['{ path: "/a b", backend: b }', 'invalid-path 2:60 listeners.a.routes[0].path'],
    ['{ host: "a:80", backend: b }', 'invalid-host 2:60 listeners.a.routes[0].host'],
    ['{ host: "*.a", backend: b }', 'invalid-host 2:60 listeners.a.routes[0].host'],
    ['{ path: /a }', 'missing-key 2:58 listeners.a.routes[0].backend'],
  ];
  for (const [route, expected] of bad) t.strictSame(places(text(route)), [expected], route);
  t.match(
    settingsOf(text('{ host: CHAT.Example.com, backend: b }, { host: "[::1]", backend: b }')).listeners[0]?.routes,
    [{ host: 'chat.example.com' }, { host: '[::1]' }],
  );
});

t.test('defaults', async t => {
  const settings = settingsOf(withListener(''));
  t.match(settings, {
    listeners: [
      {
        name: 'a',
        listen: { host: '::', port: 80 },
        protocol: 'http',
        proxyProtocol: 'required',
        trustedSources: [{ text: '10.0.0.0/8', bits: 8 }],
        routes: [{ host: undefined, path: '/', backend: 'a' }],
        forwarded: false,
        forwardedProto: 'auto',
        sendProxyProtocol: undefined,
        refusedMethods: new Set(['CONNECT', 'TRACE']),
        timeouts: {
          proxyHeaderMs: 5000,
          requestHeadMs: 10_000,
          keepAliveMs: 75_000,
          requestBodyMs: 30_000,
          responseMs: 60_000,
          responseBodyMs: 0,
          tunnelMs: 3_600_000,
        },
        limits: {
          connections: 20_000,
          proxyHeaderBytes: 4112,
          startLineBytes: 8192,
          headBytes: 32_768,
          headFields: 100,
          requestsPerConnection: 10_000,
        },
      },
    ],
    backends: [
      {
        name: 'a',
        endpoints: [{ host: '127.0.0.1', port: 3000, weight: 1 }],
        dns: [],
        balance: 'round-robin',
        affinity: undefined,
        loadBound: undefined,
        healthCheck: { http: undefined, intervalMs: 2000, timeoutMs: 1000, rise: 2, fall: 3 },
        slowStartMs: 0,
        holdForMs: 3000,
        checkHeader: undefined,
        timeouts: { connectMs: 3000, idleMs: 4000 },
        limits: { idleConnections: 1024 },
      },
    ],
    admin: { listen: { host: '127.0.0.1', port: 9180 } },
    log: { level: 'info', access: false, format: 'auto' },
    drain: { timeoutMs: 25_000 },
  });
});

t.test('admin: off and admin: false switch it off', async t => {
  for (const off of ['off', 'false', '"off"']) t.equal(settingsOf(`${withListener('')}admin: ${off}`).admin, undefined);
  t.strictSame(settingsOf(`${withListener('')}admin: { listen: 9000 }`).admin, { listen: { host: '::', port: 9000 } });
});

t.test('what keeps, slows and holds', async t => {
  t.match(settingsOf(withBackend('balance: hash, loadBound: 1.25, slowStart: 30s, holdFor: 0s')).backends, [
    { balance: 'hash', loadBound: 1.25, slowStartMs: 30_000, holdForMs: 0 },
  ]);
});

t.test('routes are in the order in which they are tried', async t => {
  const { listeners } = settingsOf(`
listeners:
  a:
    listen: 80
    trustedSources: [10.0.0.0/8]
    backend: b
    routes:
      - { path: /a, backend: b }
      - { path: /a/long, backend: b }
      - { path: /, host: x.example, backend: b }
      - { path: /y, host: x.example, backend: b }
backends: { b: { endpoints: [1] } }
`);
  t.strictSame(
    listeners[0]?.routes.map(({ host, path }) => `${host ?? '*'} ${path}`),
    ['x.example /y', 'x.example /', '* /a/long', '* /a', '* /'],
  );
});

t.test('the example of the design is fine', async t => {
  const text = `
listeners:
  chat: { listen: 8080, protocol: http, proxyProtocol: required, trustedSources: [10.0.0.0/8], backendPort: 3000 }
  web:
    listen: 8081
    trustedSources: [10.0.0.0/8]
    backend: web
    routes:
      - { path: /socket.io/, backend: chat-pool }
      - { path: /, backend: web }
backends:
  web: { endpoints: [3100] }
  chat-pool:
    endpoints: [3001, 3002, 10.0.1.7:3000]
    balance: hash
    affinity: client-ip
    healthCheck: { path: /healthz, interval: 2s, timeout: 1s, rise: 2, fall: 3 }
admin:
  listen: 127.0.0.1:9180
`;
  t.strictSame(places(text), []);
});
