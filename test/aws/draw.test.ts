import t from 'tap';
import { drawFlows } from '../../src/aws/draw.js';
import type { Flow } from '../../src/aws/flow.js';
import { CHAT, flow, sidecar } from './report/sample.js';

interface Case {
  readonly name: string;
  readonly flows: readonly Partial<Flow>[];
  readonly config?: string;
  readonly ascii?: boolean;
  readonly expect: readonly string[];
}

const pool = (...endpoints: readonly (number | string)[]) =>
  `listeners: { a: { listen: 8080, backend: pool } }\nbackends: { pool: { endpoints: ${JSON.stringify(endpoints)} } }\n`;

const cases: readonly Case[] = [
  { name: 'nothing at all', flows: [], expect: [] },
  { name: 'the balancer alone', flows: [{}], expect: ['443 SSL ─v1─► 8080'] },
  { name: 'with usher', flows: [{}], config: CHAT, expect: ['443 SSL ─v1─► 8080 usher ─► 3000 chat'] },
  { name: 'in ASCII', flows: [{}], config: CHAT, ascii: true, expect: ['443 SSL -v1-> 8080 usher -> 3000 chat'] },
  {
    name: 'headers of every kind, in columns',
    flows: [
      {},
      { frontPort: 80, frontProtocol: 'TCP', header: 'none', port: 9 },
      { frontPort: 1, frontProtocol: 'TCP', header: 'unknown', port: 10 },
    ],
    expect: ['443 SSL ─v1─► 8080', ' 80 TCP ────►    9', '  1 TCP ─?──►   10'],
  },
  { name: 'no header anywhere', flows: [{ header: 'none' }], expect: ['443 SSL ─► 8080'] },
  {
    name: 'nobody listens, and a listener that nobody dials',
    flows: [{ port: 8443 }],
    config: CHAT,
    expect: ['443 SSL ─v1─► 8443 nobody', '              8080 usher  ─► 3000 chat'],
  },
  {
    name: 'past usher',
    flows: [{ port: 3000 }],
    config: CHAT,
    expect: ['443 SSL ─v1─► 3000 past usher', '              8080 usher      ─► 3000 chat'],
  },
  { name: 'usher without a balancer', flows: [], config: CHAT, expect: ['8080 usher ─► 3000 chat'] },
  {
    name: 'a port that is not known',
    flows: [{ port: undefined, frontPort: undefined }],
    config: CHAT,
    expect: ['? SSL ─v1─►    ?', '            8080 usher ─► 3000 chat'],
  },
  {
    name: 'a shared port',
    flows: [{}, { frontPort: 80, frontProtocol: 'HTTP', header: 'none' }],
    config: CHAT,
    expect: ['443 SSL  ─v1─► 8080 usher ─► 3000 chat ◄ shared', ' 80 HTTP ────► 8080 usher ─► 3000 chat ◄ shared'],
  },
  {
    name: 'a shared port in ASCII',
    flows: [{}, { frontPort: 80 }],
    ascii: true,
    expect: ['443 SSL -v1-> 8080 < shared', ' 80 SSL -v1-> 8080 < shared'],
  },
  {
    name: 'several balancers',
    flows: [{}, { kind: 'nlb', balancer: 'web-nlb', header: 'v2', port: 81, frontProtocol: 'TLS' }],
    expect: ['chat    443 SSL ─v1─► 8080', 'web-nlb 443 TLS ─v2─►   81'],
  },
  {
    name: 'UDP is not heard',
    flows: [{ protocol: 'UDP' }],
    config: CHAT,
    expect: ['443 SSL ─v1─► 8080 nobody', '              8080 usher  ─► 3000 chat'],
  },
  { name: 'three endpoints', flows: [{}], config: pool(1, 2, 3), expect: ['443 SSL ─v1─► 8080 usher ─► 1 2 3 pool'] },
  {
    name: 'more endpoints, and other hosts',
    flows: [{}],
    config: pool('10.0.0.1:80', '[fd00::1]:80', 1, 2),
    expect: ['443 SSL ─v1─► 8080 usher ─► 10.0.0.1:80 [fd00::1]:80 +2 pool'],
  },
  {
    name: 'names in DNS',
    flows: [{}],
    config:
      'listeners: { a: { listen: 8080, backend: b } }\nbackends: { b: { endpoints: [{ dns: "x.internal:80" }, { srv: _a._tcp.b }] } }\n',
    expect: ['443 SSL ─v1─► 8080 usher ─► x.internal:80 _a._tcp.b b'],
  },
  {
    name: 'many backends, and a loopback address',
    flows: [{}],
    config: [
      'listeners: { a: { listen: "127.0.0.1:8080", backend: b, routes: [',
      '  { path: /c, backend: c }, { path: /d, backend: d }, { path: /e, backend: e }, { path: /f, backend: f }] } }',
      'backends: { b: { endpoints: [1] }, c: { endpoints: [2] }, d: { endpoints: [3] }, e: { endpoints: [4] }, f: { endpoints: [5] } }',
      '',
    ].join('\n'),
    expect: ['443 SSL ─v1─► 127.0.0.1:8080 usher ─► 2 c, 3 d, 4 e and 2 more'],
  },
  {
    name: 'a header to the backend',
    flows: [{}],
    config: 'listeners: { a: { listen: 8080, protocol: tcp, backendPort: 1, sendProxyProtocol: v2 } }\n',
    expect: ['443 SSL ─v1─► 8080 usher ─v2─► 1 a'],
  },
  {
    name: 'names that a terminal would obey',
    flows: [{ balancer: 'a\x1b[2J' }, { balancer: 'b', frontProtocol: '\u202eX', port: 1 }],
    expect: ['a\\x1b[2J 443 SSL       ─v1─► 8080', 'b        443 \\u{202e}X ─v1─►    1'],
  },
];

for (const { name, flows, config, ascii = false, expect } of cases)
  t.test(name, async t => {
    const given = config === undefined ? undefined : sidecar(config);
    t.strictSame(drawFlows(flows.map(flow), given, { ascii }), expect);
  });

t.test('more lines than anybody reads are counted', async t => {
  const flows = Array.from({ length: 75 }, (_, port) => flow({ port: port + 1 }));
  const lines = drawFlows(flows, undefined, { ascii: false });
  t.equal(lines.length, 61);
  t.equal(lines.at(-1), 'and 15 more');
});

t.test('very many flows are counted and not drawn', async t => {
  const flows = Array.from({ length: 50_000 }, (_, index) => flow({ port: 8080 + (index % 2) }));
  const lines = drawFlows(flows, sidecar(CHAT), { ascii: true });
  t.equal(lines.at(-1), 'and 49940 more');
  t.equal(lines.filter(line => line.endsWith('< shared')).length, 60);
});
