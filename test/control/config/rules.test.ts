import t from 'tap';
import { formatProblem } from '../../../src/control/config/problem.js';
import { places, told } from './told.js';

/** A listener with the given keys that has no fault of its own. */
const listener = (name: string, ...keys: string[]) =>
  [`  ${name}:`, '    trustedSources: [10.0.0.0/8]', ...keys.map(key => `    ${key}`)].join('\n');

const file = (...parts: string[]) => `${parts.join('\n')}\n`;

const backends = file('backends:', '  pool: { endpoints: [3001, 3002] }', '  web: { endpoints: [3100] }');
const both = listener('both', 'listen: 9000', 'backend: web', 'routes: [{ path: /x, backend: pool }]');

interface Case {
  readonly name: string;
  readonly text: string;
  readonly expect: readonly string[];
}

const cases: readonly Case[] = [
  {
    name: 'duplicate-backend-port: two listeners',
    text: file(
      'listeners:',
      '  chat:',
      '    listen: 8080',
      '    backendPort: 3000',
      '    trustedSources: [10.0.0.0/8]',
      '  web:',
      '    listen: 8081',
      '    trustedSources: [10.0.0.0/8]',
      '    backendPort: 3000',
    ),
    expect: ['duplicate-backend-port 9:5 listeners.web.backendPort'],
  },
  {
    name: 'duplicate-backend-port: none with two ports',
    text: file(
      'listeners:',
      listener('a', 'listen: 1', 'backendPort: 11'),
      listener('b', 'listen: 2', 'backendPort: 12'),
    ),
    expect: [],
  },
  {
    name: 'duplicate-backend-port: a named backend lists it too, under another name of the host',
    text: file(
      'listeners:',
      listener('a', 'listen: 1', 'backendPort: 3001'),
      listener('b', 'listen: 2', 'backend: pool'),
      'backends:',
      '  pool: { endpoints: [3000, "localhost:3001"] }',
    ),
    expect: ['duplicate-backend-port 11:29 backends.pool.endpoints[1]'],
  },
  {
    name: 'duplicate-backend-port: the later place is told, though it is the listener',
    text: file(
      'backends:',
      '  b: { endpoints: ["[::1]:3001"] }',
      'listeners:',
      both.replace('web', 'b').replace('pool', 'b'),
      listener('a', 'listen: 1', 'backendPort: 3001'),
    ),
    expect: ['duplicate-backend-port 12:5 listeners.a.backendPort'],
  },
  {
    name: 'duplicate-backend-port: two backends, and twice in one',
    text: file(
      'listeners:',
      both,
      'backends:',
      '  pool: { endpoints: [10.0.0.1:80, 1, 1] }',
      '  web: { endpoints: [10.0.0.1:80] }',
    ),
    expect: [
      'duplicate-backend-port 8:39 backends.pool.endpoints[2]',
      'duplicate-backend-port 9:22 backends.web.endpoints[0]',
    ],
  },
  {
    name: 'duplicate-backend-port: three owners are two problems',
    text: file('listeners:', ...[1, 2, 3].map(n => listener(`l${n}`, `listen: ${n}`, 'backendPort: 3000'))),
    expect: [
      'duplicate-backend-port 9:5 listeners.l2.backendPort',
      'duplicate-backend-port 13:5 listeners.l3.backendPort',
    ],
  },
  {
    name: 'two listeners may name one backend',
    text: file('listeners:', both, listener('b', 'listen: 2', 'backend: pool'), backends),
    expect: [],
  },
  {
    name: 'duplicate-listen: the same port',
    text: file(
      'listeners:',
      listener('a', 'listen: 80', 'backendPort: 11'),
      listener('b', 'listen: 80', 'backendPort: 12'),
    ),
    expect: ['duplicate-listen 8:5 listeners.b.listen'],
  },
  {
    name: 'duplicate-listen: a bare port takes it on every host',
    text: file(
      'listeners:',
      listener('a', 'listen: 10.0.0.1:80', 'backendPort: 11'),
      listener('b', 'listen: 80', 'backendPort: 12'),
    ),
    expect: ['duplicate-listen 8:5 listeners.b.listen'],
  },
  {
    name: 'duplicate-listen: the admin listener, by its default',
    text: file('listeners:', listener('a', 'listen: 9180', 'backendPort: 11')),
    expect: ['duplicate-listen 4:5 listeners.a.listen'],
  },
  {
    name: 'duplicate-listen: the admin listener, as written',
    text: file('listeners:', listener('a', 'listen: 80', 'backendPort: 11'), 'admin: { listen: 127.0.0.1:80 }'),
    expect: ['duplicate-listen 6:10 admin.listen'],
  },
  {
    name: 'duplicate-listen: one port on two hosts is fine, and so is 9180 without admin',
    text: file(
      'listeners:',
      listener('a', 'listen: 10.0.0.1:9180', 'backendPort: 11'),
      listener('b', 'listen: 10.0.0.2:9180', 'backendPort: 12'),
      'admin: off',
    ),
    expect: [],
  },
  {
    name: 'duplicate-listen: 0.0.0.0 leaves the addresses of IPv6 free',
    text: file(
      'listeners:',
      listener('a', 'listen: 0.0.0.0:80', 'backendPort: 11'),
      listener('b', 'listen: "[::1]:80"', 'backendPort: 12'),
    ),
    expect: [],
  },
  {
    name: 'forwarding-loop: a backend port that is a listener',
    text: file(
      'listeners:',
      listener('a', 'listen: 3000', 'backendPort: 8080'),
      listener('b', 'listen: 8080', 'backendPort: 3001'),
    ),
    expect: ['forwarding-loop 5:5 listeners.a.backendPort'],
  },
  {
    name: 'forwarding-loop: the admin listener',
    text: file('listeners:', listener('a', 'listen: 3000', 'backendPort: 9180')),
    expect: ['forwarding-loop 5:5 listeners.a.backendPort'],
  },
  {
    name: 'forwarding-loop: an endpoint on the host of a listener',
    text: file(
      'listeners:',
      listener('a', 'listen: 10.0.0.1:80', 'backend: b'),
      'backends: { b: { endpoints: [10.0.0.1:80, 10.0.0.2:80] } }',
    ),
    expect: ['forwarding-loop 6:30 backends.b.endpoints[0]'],
  },
  {
    name: 'unknown-key: at the root, in a listener, in a section, in a route and in admin',
    text: file(
      'listners: {}',
      'listeners:',
      listener(
        'a',
        'listen: 80',
        'backendport: 3000',
        'backend: web',
        'timeouts: { tunel: 5s }',
        'routes: [{ pth: /x, backend: pool }]',
      ),
      backends,
      'admin: { lisen: 90 }',
    ),
    expect: [
      'unknown-key 1:1 listners',
      'unknown-key 6:5 listeners.a.backendport',
      'unknown-key 8:17 listeners.a.timeouts.tunel',
      'unknown-key 9:16 listeners.a.routes[0].pth',
      'unknown-key 14:10 admin.lisen',
    ],
  },
  {
    name: 'optional-without-trusted-sources: left out',
    text: file('listeners:', '  a: { listen: 80, backendPort: 3000, proxyProtocol: optional }'),
    expect: ['optional-without-trusted-sources 2:39 listeners.a.proxyProtocol'],
  },
  {
    name: 'optional-without-trusted-sources: empty',
    text: file('listeners:', '  a: { listen: 80, backendPort: 3000, proxyProtocol: optional, trustedSources: [] }'),
    expect: ['optional-without-trusted-sources 2:64 listeners.a.trustedSources'],
  },
  {
    name: 'optional with trustedSources is fine',
    text: file(
      'listeners:',
      '  a: { listen: 80, backendPort: 3000, proxyProtocol: optional, trustedSources: [10.0.0.0/8] }',
    ),
    expect: [],
  },
  {
    name: 'a refused trusted source is not told as a missing one',
    text: file(
      'listeners:',
      '  a: { listen: 80, backendPort: 3000, proxyProtocol: optional, trustedSources: [10.0.0.0/80] }',
    ),
    expect: ['invalid-cidr 2:81 listeners.a.trustedSources[0]'],
  },
  {
    name: 'trusted-sources-empty: required and nobody is believed',
    text: file('listeners:', '  a: { listen: 80, backendPort: 3000, trustedSources: [] }'),
    expect: ['trusted-sources-empty 2:39 listeners.a.trustedSources'],
  },
  {
    name: 'trusted-sources-open: left out',
    text: file('listeners:', '  a: { listen: 80, backendPort: 3000 }'),
    expect: ['trusted-sources-open 2:3 listeners.a.trustedSources'],
  },
  {
    name: 'trusted-sources-open: a range of everything',
    text: file('listeners:', '  a: { listen: 80, backendPort: 3000, trustedSources: [0.0.0.0/0] }'),
    expect: ['trusted-sources-open 2:39 listeners.a.trustedSources'],
  },
  {
    name: 'cidr-host-bits: a prefix shorter than the address that was written, also of a mapped one',
    text: file(
      'listeners:',
      '  a: { listen: 80, backendPort: 3000, trustedSources: [10.0.1.0/8, "::ffff:10.0.1.0/104"] }',
      '  b: { listen: 81, backendPort: 3001, trustedSources: [10.0.0.0/8, 10.0.1.7, 10.0.1.0/24, "fd00:0::/8"] }',
    ),
    expect: ['cidr-host-bits 2:56 listeners.a.trustedSources[0]', 'cidr-host-bits 2:68 listeners.a.trustedSources[1]'],
  },
  {
    name: 'trusted-sources-unused',
    text: file('listeners:', listener('a', 'listen: 80', 'backendPort: 3000', 'proxyProtocol: off')),
    expect: ['trusted-sources-unused 3:5 listeners.a.trustedSources'],
  },
  {
    name: 'proxyProtocol off without trustedSources is fine',
    text: file('listeners: { a: { listen: 80, backendPort: 3000, proxyProtocol: off } }'),
    expect: [],
  },
  {
    name: 'unknown-backend: in backend and in a route',
    text: file(
      'listeners:',
      listener('a', 'listen: 80', 'backend: wbe', 'routes: [{ path: /x, backend: nowhere }]'),
      backends,
    ),
    expect: [
      'unknown-backend 5:5 listeners.a.backend',
      'unknown-backend 6:26 listeners.a.routes[0].backend',
      'unused-backend 8:3 backends.pool',
      'unused-backend 9:3 backends.web',
    ],
  },
  {
    name: 'unknown-backend: a backend whose keys are refused is still known',
    text: file('listeners:', listener('a', 'listen: 80', 'backend: pool'), 'backends: { pool: {} }'),
    expect: ['missing-key 6:13 backends.pool.endpoints'],
  },
  {
    name: 'backend-choice: none',
    text: file('listeners:', listener('a', 'listen: 80')),
    expect: ['backend-choice 2:3 listeners.a.backendPort'],
  },
  {
    name: 'backend-choice: backendPort with backend',
    text: file(
      'listeners:',
      listener('a', 'listen: 80', 'backend: web', 'backendPort: 3000'),
      'backends: { web: { endpoints: [1] } }',
    ),
    expect: ['backend-choice 6:5 listeners.a.backendPort'],
  },
  {
    name: 'backend-choice: a refused backendPort is not told as a missing one',
    text: file('listeners:', listener('a', 'listen: 80', 'backendPort: 70000')),
    expect: ['invalid-port 5:5 listeners.a.backendPort'],
  },
  {
    name: 'backend-choice: backend beside routes is the default',
    text: file('listeners:', both, backends),
    expect: [],
  },
  {
    name: 'duplicate-route: the same path',
    text: file(
      'listeners:',
      listener('a', 'listen: 80', 'routes:', '  - { path: /x, backend: pool }', '  - { path: /x, backend: web }'),
      backends,
    ),
    expect: ['duplicate-route 7:9 listeners.a.routes[1]'],
  },
  {
    name: 'duplicate-route: backend and a route for / that differ',
    text: file(
      'listeners:',
      listener('a', 'listen: 80', 'backend: web', 'routes:', '  - { path: /, backend: pool }'),
      backends,
    ),
    expect: ['duplicate-route 7:9 listeners.a.routes[0]'],
  },
  {
    name: 'duplicate-route: the same backend twice, or another host, is fine',
    text: file(
      'listeners:',
      listener(
        'a',
        'listen: 80',
        'backend: web',
        'routes:',
        '  - { path: /, backend: web }',
        '  - { path: /, host: a.example, backend: pool }',
      ),
      backends,
    ),
    expect: [],
  },
  {
    name: 'backend-name-taken',
    text: file(
      'listeners:',
      listener('web', 'listen: 80', 'backendPort: 3000'),
      listener('b', 'listen: 81', 'backend: web'),
      'backends: { web: { endpoints: [1] } }',
    ),
    expect: ['backend-name-taken 5:5 listeners.web.backendPort'],
  },
  {
    name: 'unused-backend',
    text: file('listeners:', listener('a', 'listen: 80', 'backend: web'), backends),
    expect: ['unused-backend 7:3 backends.pool'],
  },
  { name: 'no-listeners: nothing', text: '', expect: ['no-listeners 1:1 '] },
  { name: 'no-listeners: only a comment', text: '# later\n', expect: ['no-listeners 1:1 '] },
  { name: 'no-listeners: an empty mapping', text: 'log: {}\nlisteners: {}', expect: ['no-listeners 2:1 listeners'] },
  {
    name: 'missing-key: listen; the other rules still look at the listener',
    text: file('listeners:', listener('a', 'backendPort: 3000'), listener('b', 'listen: 80', 'backendPort: 3000')),
    expect: ['missing-key 2:3 listeners.a.listen', 'duplicate-backend-port 8:5 listeners.b.backendPort'],
  },
  {
    name: 'routes-on-tcp',
    text: file(
      'listeners:',
      listener('a', 'listen: 80', 'protocol: tcp', 'routes: [{ path: /x, backend: pool }]'),
      'backends: { pool: { endpoints: [1] } }',
    ),
    expect: ['routes-on-tcp 6:5 listeners.a.routes'],
  },
  {
    name: 'http-only-key',
    text: file(
      'listeners:',
      listener(
        'a',
        'listen: 80',
        'protocol: tcp',
        'backendPort: 1',
        'forwarded: true',
        'limits: { head: 1KiB, connections: 5 }',
        // A tunnel of which one side is gone uses the first.
        'timeouts: { response: 30s, responseBody: 31s }',
      ),
    ),
    expect: [
      'http-only-key 7:5 listeners.a.forwarded',
      'http-only-key 8:15 listeners.a.limits.head',
      'http-only-key 9:32 listeners.a.timeouts.responseBody',
    ],
  },
  {
    name: 'proxy-header-timeout-short',
    text: file('listeners:', listener('a', 'listen: 80', 'backendPort: 1', 'timeouts: { proxyHeader: 2999ms }')),
    expect: ['proxy-header-timeout-short 6:17 listeners.a.timeouts.proxyHeader'],
  },
  {
    name: 'a proxyHeader timeout of 3s is fine',
    text: file('listeners:', listener('a', 'listen: 80', 'backendPort: 1', 'timeouts: { proxyHeader: 3s }')),
    expect: [],
  },
  {
    name: 'duplicate-backend-port: inside mappings, in one backend and of two owners',
    text: file(
      'listeners:',
      both,
      listener('a', 'listen: 1', 'backendPort: 3003'),
      'backends:',
      '  pool: { endpoints: [3001, { address: 3001, weight: 2 }, { address: "localhost:3003" }] }',
      '  web: { endpoints: [{ address: 10.0.0.1:80 }, 10.0.0.1:80] }',
    ),
    expect: [
      'duplicate-backend-port 12:29 backends.pool.endpoints[1]',
      'duplicate-backend-port 12:59 backends.pool.endpoints[2]',
      'duplicate-backend-port 13:48 backends.web.endpoints[1]',
    ],
  },
  {
    name: 'duplicate-backend-port: a name in DNS, in one backend, of two, and as an address',
    text: file(
      'listeners:',
      both,
      'backends:',
      '  pool: { endpoints: [{ dns: "chat:1" }, { dns: "CHAT:1" }, { dns: "chat:2" }, { srv: _c._tcp.x }] }',
      '  web: { endpoints: [{ dns: "chat:1" }, "chat:2", { srv: _c._tcp.x }, { srv: _d._tcp.x }] }',
    ),
    expect: [
      'duplicate-backend-port 8:42 backends.pool.endpoints[1]',
      'duplicate-backend-port 9:22 backends.web.endpoints[0]',
      'duplicate-backend-port 9:41 backends.web.endpoints[1]',
      'duplicate-backend-port 9:51 backends.web.endpoints[2]',
    ],
  },
  {
    name: 'forwarding-loop: a name in DNS that is this host',
    text: file(
      'listeners:',
      listener('a', 'listen: 8080', 'backend: b'),
      'backends: { b: { endpoints: [{ dns: "localhost:8080" }, { srv: _c._tcp.x }, { address: 127.0.0.2:8080 }] } }',
    ),
    expect: ['forwarding-loop 6:30 backends.b.endpoints[0]', 'forwarding-loop 6:77 backends.b.endpoints[2]'],
  },
];

for (const { name, text, expect } of cases)
  t.test(name, async t => {
    t.strictSame(places(text), expect);
  });

t.test('the words of duplicate-backend-port', async t => {
  const words = (text: string) => told(text).map(formatProblem);
  t.strictSame(words(cases[0]?.text ?? ''), [
    'usher.yaml:9:5 listeners.web.backendPort: port 3000 is the backend port of listeners.chat (line 4) and of listeners.web (line 9); a backend port belongs to one listener: give one of them another port, or name one backend and let both listeners use it [duplicate-backend-port]',
  ]);
  t.strictSame(words(cases[2]?.text ?? ''), [
    'usher.yaml:11:29 backends.pool.endpoints[1]: port 3001 is the backend port of listeners.a (line 5) and an endpoint of backends.pool (line 11); an endpoint belongs to one listener or one backend: give one of them another port, or let the listener name the backend [duplicate-backend-port]',
  ]);
  t.strictSame(words(cases[4]?.text ?? ''), [
    'usher.yaml:8:39 backends.pool.endpoints[2]: port 1 is twice in backends.pool (line 8): remove one of the two [duplicate-backend-port]',
    'usher.yaml:9:22 backends.web.endpoints[0]: 10.0.0.1:80 is an endpoint of backends.pool (line 8) and of backends.web (line 9); an endpoint belongs to one backend: remove it from one of them, or keep one backend and let every listener name that [duplicate-backend-port]',
  ]);
});

t.test('the words of duplicate-backend-port about names in DNS', async t => {
  const text = file(
    'listeners:',
    both,
    'backends:',
    '  pool: { endpoints: [{ dns: "chat:1" }, { srv: _c._tcp.x }, { srv: _c._tcp.x }] }',
    '  web: { endpoints: [{ dns: "chat:1" }] }',
  );
  t.strictSame(
    told(text).map(({ message }) => message),
    [
      'the SRV name _c._tcp.x is twice in backends.pool (line 8): remove one of the two',
      'the DNS name chat:1 is an endpoint of backends.pool (line 8) and of backends.web (line 9); an endpoint belongs to one backend: remove it from one of them, or keep one backend and let every listener name that',
    ],
  );
});

t.test('another owner is mentioned at its line, even when it is refused', async t => {
  const text = file(
    'listeners:',
    listener('web', 'listen: 80', 'backendPort: 3000'),
    'backends:',
    '  a: { endpoints: [1] }',
    '  web: { endpoints: [bad] }',
  );
  const taken = told(text).find(({ rule }) => rule === 'backend-name-taken');
  t.match(taken?.message, /backends\.web \(line 8\)/);
});

t.test('the words of other rules', async t => {
  const words = (text: string) => told(text).map(({ message }) => message);
  const trusted = 'trustedSources: [10.0.0.0/8]';
  t.strictSame(words(`listeners: { a: { listn: 80, listen: 81, backendPort: 1, ${trusted} } }`), [
    'unknown key "listn": did you mean listen?',
  ]);
  t.strictSame(words(`listen: 80\nlisteners: { a: { listen: 81, backendPort: 1, ${trusted}, checkInterval: 1s } }`), [
    'unknown key "listen": it belongs below listeners.NAME',
    'unknown key "checkInterval": write healthCheck: { interval: 2s } in the backend instead',
  ]);
  t.strictSame(words(`{ // why\n"listeners": { a: { listen: 81, backendPort: 1, ${trusted} } } }`).slice(1), [
    'unknown key "// why \\"listeners\\"": a comment begins with # here',
  ]);
  t.strictSame(
    words(`listeners: { a: { listen: 81, backend: poll, ${trusted} } }\nbackends: { pool: { endpoints: [1] } }`),
    [
      'no backend is named "poll": did you mean pool?',
      'no listener uses the backend "pool": remove it, or name it in a listener',
    ].slice(0, 2),
  );
  t.strictSame(
    words(
      `listeners: { a: { listen: 80, backendPort: 1, ${trusted} }, b: { listen: 127.0.0.1:80, backendPort: 2, ${trusted} } }`,
    ),
    [
      '127.0.0.1:80 is taken, because [::]:80 is where listeners.a (line 1) listens already: give one of them another port',
    ],
  );
  t.strictSame(words(`listeners: { a: { listen: 80, backendPort: 80, ${trusted} } }`), [
    'port 80 is where listeners.a (line 1) listens, so usher would forward to itself: use the port of the backend',
  ]);
});
