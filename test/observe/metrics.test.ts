import { spawnSync } from 'node:child_process';
import process from 'node:process';
import t from 'tap';
import { createMetrics, type Metrics } from '../../src/observe/metrics.js';
import type { ProxyStatus } from '../../src/status.js';
import { connection, exchange, routes, tunnel } from './records.js';

const status: ProxyStatus = {
  state: 'running',
  listeners: [
    {
      name: 'chat',
      address: '0.0.0.0:8080',
      protocol: 'http',
      proxyProtocol: 'required',
      connectionsOpen: 3,
      paused: true,
      pauses: 2,
      bytesToBackend: 1000,
      bytesToClient: 2000,
    },
  ],
  backends: [
    {
      name: 'pool',
      lookingUp: false,
      endpoints: [
        { address: '127.0.0.1:3000', origin: undefined, up: true, settled: true, draining: false, active: 1, idle: 2 },
        { address: '127.0.0.1:3001', origin: undefined, up: false, settled: true, draining: false, active: 0, idle: 0 },
      ],
    },
  ],
};

function make(read: () => ProxyStatus = () => status): Metrics {
  return createMetrics({
    listeners: [
      { name: 'chat', protocol: 'http', routes: routes('pool') },
      { name: 'raw', protocol: 'tcp', routes: routes('pool') },
    ],
    backends: [
      {
        name: 'pool',
        endpoints: [
          { host: '127.0.0.1', port: 3000, weight: 1 },
          { host: '::1', port: 3001, weight: 1 },
        ],
      },
    ],
    status: read,
    version: '1.2.3',
  });
}

/** The lines of one metric, without comments. */
async function series({ registry }: Metrics, name: string): Promise<string[]> {
  const text = await registry.metrics();
  const line = new RegExp(`^${name}(_bucket|_sum|_count)?[{ ]`);
  return text.split('\n').filter(each => line.test(each));
}

t.test('series of known listeners stand at 0 from the start', async t => {
  const metrics = make();
  t.strictSame(await series(metrics, 'usher_connections_total'), [
    'usher_connections_total{listener="chat"} 0',
    'usher_connections_total{listener="raw"} 0',
  ]);
  t.strictSame(await series(metrics, 'usher_tunnels_total'), [
    'usher_tunnels_total{listener="chat",backend="pool"} 0',
    'usher_tunnels_total{listener="raw",backend="pool"} 0',
  ]);
  const refused = await series(metrics, 'usher_refused_total');
  t.ok(refused.includes('usher_refused_total{listener="chat",code="header-missing"} 0'));
  t.ok(refused.includes('usher_refused_total{listener="chat",code="backend-unreachable"} 0'));
  t.notOk(refused.includes('usher_refused_total{listener="raw",code="backend-unreachable"} 0'));
  t.ok(
    (await series(metrics, 'usher_request_seconds')).includes(
      'usher_request_seconds_count{listener="chat",backend="pool"} 0',
    ),
  );
  t.strictSame(await series(metrics, 'usher_requests_total'), []);
});

t.test('connections, headers, refusals and probes are counted by their labels', async t => {
  const metrics = make();
  const { observer } = metrics;
  const view = connection();
  observer.connectionOpened(view);
  observer.connectionOpened(view);
  observer.connectionClosed(view);
  observer.headerSettled(view, 'v2', 'PROXY');
  observer.headerSettled(view, 'v2', 'UNKNOWN');
  observer.refused(view, 'header-crc');
  observer.refused(view, 'header-crc', 'tls');
  observer.probeSeen(view, 'local');
  const text = await metrics.registry.metrics();
  for (const line of [
    'usher_connections_total{listener="chat"} 2',
    'usher_proxy_headers_total{listener="chat",version="v2",command="PROXY"} 1',
    'usher_proxy_headers_total{listener="chat",version="v2",command="UNKNOWN"} 1',
    'usher_proxy_headers_total{listener="chat",version="v1",command="PROXY"} 0',
    'usher_refused_total{listener="chat",code="header-crc"} 2',
    'usher_health_probes_total{listener="chat",kind="local"} 1',
    'usher_health_probes_total{listener="chat",kind="empty"} 0',
  ]) {
    t.ok(text.includes(`${line}\n`), line);
  }
});

t.test('gauges and bytes are read from one picture of the proxy per scrape', async t => {
  let asked = 0;
  const metrics = make(() => {
    asked += 1;
    return status;
  });
  const text = await metrics.registry.metrics();
  for (const line of [
    'usher_connections_open{listener="chat"} 3',
    'usher_accept_pauses_total{listener="chat"} 2',
    'usher_bytes_total{listener="chat",direction="to_backend"} 1000',
    'usher_bytes_total{listener="chat",direction="to_client"} 2000',
    'usher_endpoint_up{backend="pool",endpoint="127.0.0.1:3000"} 1',
    'usher_endpoint_up{backend="pool",endpoint="127.0.0.1:3001"} 0',
    `usher_build_info{version="1.2.3",node="${process.version}"} 1`,
  ]) {
    t.ok(text.includes(`${line}\n`), line);
  }
  t.equal(asked, 1);
  t.equal(await metrics.registry.metrics().then(again => again.includes('direction="to_client"} 2000\n')), true);
  t.equal(asked, 2);
});

t.test('a scrape shows endpoints of the moment only', async t => {
  let picture = status;
  const metrics = make(() => picture);
  t.equal((await series(metrics, 'usher_endpoint_up')).length, 2);
  picture = { ...status, backends: [] };
  t.strictSame(await series(metrics, 'usher_endpoint_up'), []);
});

t.test('the histogram has every exchange but upgrades, which count as requests with status 101', async t => {
  const metrics = make();
  metrics.observer.exchangeEnded(exchange({ durationMs: 1 }));
  metrics.observer.exchangeEnded(exchange({ durationMs: 1.5 }));
  metrics.observer.exchangeEnded(exchange({ durationMs: 25_000, status: 0, code: 'client-aborted' }));
  metrics.observer.exchangeEnded(exchange({ durationMs: 90_000 }));
  metrics.observer.exchangeEnded(exchange({ durationMs: Number.NaN }));
  metrics.observer.exchangeEnded(exchange({ status: 101, upgraded: true, durationMs: 5 }));
  const label = 'listener="chat",backend="pool"';
  t.strictSame(await series(metrics, 'usher_requests_total'), [
    `usher_requests_total{${label},status="0"} 1`,
    `usher_requests_total{${label},status="101"} 1`,
    `usher_requests_total{${label},status="200"} 4`,
  ]);
  const lines = await series(metrics, 'usher_request_seconds');
  for (const line of [
    `usher_request_seconds_bucket{${label},le="0.001"} 2`,
    `usher_request_seconds_bucket{${label},le="0.0025"} 3`,
    `usher_request_seconds_bucket{${label},le="20"} 3`,
    `usher_request_seconds_bucket{${label},le="30"} 4`,
    `usher_request_seconds_bucket{${label},le="60"} 4`,
    `usher_request_seconds_bucket{${label},le="+Inf"} 5`,
    `usher_request_seconds_sum{${label}} 115.0025`,
    `usher_request_seconds_count{${label}} 5`,
  ]) {
    t.ok(lines.includes(line), line);
  }
});

t.test('tunnels open and total', async t => {
  const metrics = make();
  metrics.observer.tunnelOpened(tunnel());
  metrics.observer.tunnelOpened(tunnel());
  metrics.observer.tunnelClosed(tunnel());
  t.equal((await series(metrics, 'usher_tunnels_open'))[0], 'usher_tunnels_open{listener="chat",backend="pool"} 1');
  t.equal((await series(metrics, 'usher_tunnels_total'))[0], 'usher_tunnels_total{listener="chat",backend="pool"} 2');
});

t.test('dials that connected are timed, others are counted by cause', async t => {
  const metrics = make();
  const { observer } = metrics;
  observer.dialEnded('pool', '127.0.0.1:3000', 0.2, undefined);
  observer.dialEnded('pool', '[::1]:3001', 3, 'backend-unreachable');
  observer.dialEnded('pool', '198.51.100.1:9', 3, 'backend-unreachable');
  const dials = await series(metrics, 'usher_dial_seconds');
  t.ok(dials.includes('usher_dial_seconds_bucket{backend="pool",le="0.00025"} 1'));
  t.ok(dials.includes('usher_dial_seconds_count{backend="pool"} 1'));
  t.strictSame(await series(metrics, 'usher_dial_failures_total'), [
    'usher_dial_failures_total{backend="pool",endpoint="[::1]:3001",code="backend-unreachable"} 1',
    'usher_dial_failures_total{backend="pool",endpoint="other",code="backend-unreachable"} 1',
  ]);
});

t.test('hostile statuses and unknown names make a bounded number of series', async t => {
  const metrics = make();
  const hostile = [
    -1,
    1,
    99,
    100,
    599,
    600,
    1e9,
    200.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ];
  for (const each of hostile) metrics.observer.exchangeEnded(exchange({ status: each }));
  for (let n = 0; n < 1000; n += 1) {
    metrics.observer.exchangeEnded(
      exchange({ status: 10_000 + n, backend: `b${n}`, connection: connection({ listener: `l${n}` }) }),
    );
    metrics.observer.dialEnded(`b${n}`, `10.0.0.1:${n}`, 1, 'backend-unreachable');
  }
  metrics.observer.exchangeEnded(exchange({ status: 404, backend: 'none', endpoint: undefined }));
  t.strictSame((await series(metrics, 'usher_requests_total')).sort(), [
    'usher_requests_total{listener="chat",backend="none",status="404"} 1',
    'usher_requests_total{listener="chat",backend="pool",status="100"} 1',
    'usher_requests_total{listener="chat",backend="pool",status="599"} 1',
    'usher_requests_total{listener="chat",backend="pool",status="other"} 9',
    'usher_requests_total{listener="other",backend="other",status="other"} 1000',
  ]);
  t.strictSame(await series(metrics, 'usher_dial_failures_total'), [
    'usher_dial_failures_total{backend="other",endpoint="other",code="backend-unreachable"} 1000',
  ]);
});

t.test('every status that HTTP knows is its own label', async t => {
  const metrics = make();
  for (let code = 100; code < 600; code += 1) metrics.observer.exchangeEnded(exchange({ status: code }));
  t.equal((await series(metrics, 'usher_requests_total')).length, 500);
});

t.test('a reload is counted and brings new names', async t => {
  const metrics = make();
  metrics.configReloaded('failed');
  metrics.configReloaded('ok', {
    listeners: [{ name: 'new', protocol: 'http', routes: routes('fresh') }],
    backends: [{ name: 'fresh', endpoints: [] }],
  });
  metrics.observer.exchangeEnded(exchange({ connection: connection({ listener: 'new' }), backend: 'fresh' }));
  t.strictSame(await series(metrics, 'usher_config_reloads_total'), [
    'usher_config_reloads_total{result="ok"} 1',
    'usher_config_reloads_total{result="failed"} 1',
  ]);
  t.strictSame(await series(metrics, 'usher_requests_total'), [
    'usher_requests_total{listener="new",backend="fresh",status="200"} 1',
  ]);
});

t.test('process metrics are there, but for those that list every handle', async t => {
  const text = await make().registry.metrics();
  t.match(text, /^process_resident_memory_bytes \d+/m);
  t.match(text, /^# TYPE nodejs_eventloop_lag_seconds gauge/m);
  t.notMatch(text, /nodejs_active_/);
});

const promtool = spawnSync('promtool', ['--version']).status === 0;
const skip = !promtool && process.env['USHER_REQUIRE_PEERS'] !== '1' && 'promtool is not installed';

t.test('promtool has nothing to say about a full page', { skip }, async t => {
  const metrics = make();
  const { observer } = metrics;
  observer.connectionOpened(connection());
  observer.exchangeEnded(exchange());
  observer.exchangeEnded(exchange({ status: 999 }));
  observer.tunnelOpened(tunnel());
  observer.refused(connection(), 'header-missing', 'http');
  observer.dialEnded('pool', '127.0.0.1:3000', 1, undefined);
  observer.dialEnded('pool', '127.0.0.1:3000', 1, 'backend-unreachable');
  metrics.configReloaded('ok');
  const {
    status: exit,
    stdout,
    stderr,
  } = spawnSync('promtool', ['check', 'metrics'], {
    input: await metrics.registry.metrics(),
    encoding: 'utf8',
  });
  t.equal(`${stdout}${stderr}`, '');
  t.equal(exit, 0);
});
