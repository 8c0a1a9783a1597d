import t from 'tap';
import { places, settingsOf, told } from './told.js';

/** Listeners a, b, … with these keys, and the backends pool and web. */
const withListeners = (...keys: string[]) =>
  [
    'listeners:',
    ...keys.map((key, n) => `  ${'abc'[n]}: { listen: ${n + 1}, trustedSources: [10.0.0.0/8], ${key} }`),
    'backends: { pool: { endpoints: [3001] }, web: { endpoints: [3002] } }',
    '',
  ].join('\n');
const tcp = 'protocol: tcp, backend: pool';
const web = 'backend: web';

interface Case {
  readonly name: string;
  readonly text: string;
  readonly expect: readonly string[];
}

const cases: readonly Case[] = [
  {
    name: 'send-proxy-needs-tcp',
    text: withListeners('backend: pool, sendProxyProtocol: v2', web),
    expect: ['send-proxy-needs-tcp 2:64 listeners.a.sendProxyProtocol'],
  },
  {
    name: 'send-proxy-needs-tcp: a refused protocol may have been tcp',
    text: withListeners('protocol: tpc, backend: pool, sendProxyProtocol: v2', web),
    expect: ['invalid-value 2:49 listeners.a.protocol'],
  },
  {
    name: 'mixed-send-proxy: one sends and one does not',
    text: withListeners(`${tcp}, sendProxyProtocol: v2`, tcp, web),
    expect: ['mixed-send-proxy 3:64 listeners.b.backend'],
  },
  {
    name: 'mixed-send-proxy: two versions',
    text: withListeners(`${tcp}, sendProxyProtocol: v2`, `${tcp}, sendProxyProtocol: v1`, web),
    expect: ['mixed-send-proxy 3:79 listeners.b.sendProxyProtocol'],
  },
  {
    name: 'mixed-send-proxy: a listener of protocol http is told once, though two of its routes are meant',
    text: withListeners(
      'backend: web, routes: [{ path: /a, backend: pool }, { path: /b, backend: pool }]',
      `${tcp}, sendProxyProtocol: v1`,
      'routes: [{ path: /a, backend: pool }, { path: /b, backend: pool }]',
    ),
    expect: ['mixed-send-proxy 3:79 listeners.b.sendProxyProtocol'],
  },
  {
    name: 'mixed-send-proxy: the same version is fine, with an id and without',
    text: withListeners(
      `${tcp}, sendProxyProtocol: v2`,
      `${tcp}, sendProxyProtocol: { version: v2, uniqueId: true }`,
      web,
    ),
    expect: [],
  },
  {
    name: 'mixed-send-proxy: what was refused may have been the same',
    text: withListeners(`${tcp}, sendProxyProtocol: v2`, `${tcp}, sendProxyProtocol: v3`, web),
    expect: ['invalid-value 3:79 listeners.b.sendProxyProtocol'],
  },
];

for (const { name, text, expect } of cases)
  t.test(name, async t => {
    t.strictSame(places(text), expect);
  });

t.test('the words', async t => {
  const words = (...keys: string[]) => told(withListeners(...keys)).map(({ message }) => message);
  t.strictSame(words('backend: pool, sendProxyProtocol: v1', web), [
    'protocol http names the client in X-Forwarded-For, and requests of many clients share a connection to the backend: remove it, or write protocol: tcp',
  ]);
  t.strictSame(words(`${tcp}, sendProxyProtocol: v2`, tcp, web), [
    'listeners.a (line 2) sends a PROXY header v2 to backends.pool, and listeners.b (line 3) sends no PROXY header: its endpoints cannot expect both, so write the same sendProxyProtocol in both, or give each listener a backend of its own',
  ]);
  t.strictSame(words('backend: pool', `${tcp}, sendProxyProtocol: v2`, web), [
    'listeners.a (line 2) sends no PROXY header to backends.pool, and listeners.b (line 3) sends a PROXY header v2: its endpoints cannot expect both, so give each listener a backend of its own',
  ]);
});

const form = 'use v1, v2 or { version: v2, uniqueId: true }, or remove the key';
const refused: readonly (readonly [value: string, rule: string, path: string, message: string])[] = [
  ['v3', 'invalid-value', '', `"v3" is not a version of the PROXY header: ${form}`],
  ['true', 'invalid-value', '', `true is not a version of the PROXY header: ${form}`],
  ['{ version: v3 }', 'invalid-value', '.version', '"v3" is not one of v1, v2: did you mean v1?'],
  ['{ version: v2, uniqeId: true }', 'unknown-key', '.uniqeId', 'unknown key "uniqeId": did you mean uniqueId?'],
  [
    '{ version: v1, uniqueId: true }',
    'unique-id-needs-v2',
    '.uniqueId',
    'a v1 header has no room for an id: write version: v2, or remove it',
  ],
];

for (const [value, rule, path, message] of refused)
  t.test(`sendProxyProtocol: ${value} is refused`, async t => {
    t.strictSame(
      told(withListeners(`${tcp}, sendProxyProtocol: ${value}`, web)).map(({ rule, path, message }) => ({
        rule,
        path,
        message,
      })),
      [{ rule, path: `listeners.a.sendProxyProtocol${path}`, message }],
    );
  });

t.test('what is sent, and what checks send first', async t => {
  const { listeners, backends } = settingsOf(
    withListeners(
      `${tcp}, sendProxyProtocol: { version: v1, uniqueId: false }`,
      'protocol: tcp, backendPort: 3003, sendProxyProtocol: { uniqueId: true }',
      web,
    ),
  );
  t.strictSame(
    listeners.map(listener => listener.sendProxyProtocol),
    [{ version: 'v1', uniqueId: false }, { version: 'v2', uniqueId: true }, undefined],
  );
  t.strictSame(
    backends.map(({ name, checkHeader }) => [name, checkHeader]),
    [
      ['b', 'v2'],
      ['pool', 'v1'],
      ['web', undefined],
    ],
  );
  t.match(settingsOf(withListeners(`${tcp}, sendProxyProtocol: v2`, web)).listeners, [
    { sendProxyProtocol: { version: 'v2', uniqueId: false } },
    { sendProxyProtocol: undefined },
  ]);
});
