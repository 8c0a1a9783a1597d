/** What operations see of a running usher while traffic of every kind passes: /metrics, /livez, /readyz, /status. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { encodeV2 } from '../../src/proxy-header/encode.js';
import { version } from '../../src/version.js';
import { startBackend } from '../support/peer-backend.js';
import { type ClientResponse, clientAt, HeaderAgent, request } from '../support/peer-client.js';
import { freePort, startProgram } from '../support/peer-program.js';
import { startRun } from '../support/peer-usher.js';
import { needProgram } from '../support/peers.js';
import { connect, connectFrom, converse, HEADER, type RawClient } from '../support/sockets.js';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

const source = { address: '2001:db8::9', port: 51234 };
const destination = { address: '2001:db8::1', port: 443 };
const v2 = encodeV2({ command: 'PROXY', source, destination, crc32c: true });
const local = encodeV2({ command: 'LOCAL', crc32c: true });
const wrongSum = Uint8Array.from(v2, (byte, at) => (at === v2.length - 1 ? byte ^ 1 : byte));

interface Ports {
  readonly chat: number;
  readonly irc: number;
  readonly plain: number;
  readonly admin: number;
  /** Where the backends will listen; nobody ever listens on `nowhere`. */
  readonly chatBackend: number;
  readonly ircBackend: number;
  readonly nowhere: number;
}

async function choosePorts(): Promise<Ports> {
  return {
    ...{ chat: await freePort(), irc: await freePort(), plain: await freePort(), admin: await freePort() },
    ...{ chatBackend: await freePort(), ircBackend: await freePort(), nowhere: await freePort() },
  };
}

function writeConfig(t: Test, ports: Ports): string {
  const file = join(t.testdir(), 'usher.json');
  const trustedSources = ['127.0.0.0/30'];
  const listen = (port: number): string => `127.0.0.1:${port}`;
  const healthCheck = { interval: '100ms', fall: 1, rise: 1 };
  const backend = (port: number) => ({ endpoints: [port], holdFor: '0s', healthCheck });
  const config = {
    listeners: {
      chat: { listen: listen(ports.chat), trustedSources, backend: 'chat' },
      irc: { listen: listen(ports.irc), trustedSources, protocol: 'tcp', backend: 'irc' },
      plain: { listen: listen(ports.plain), proxyProtocol: 'off', routes: [{ path: '/down', backend: 'nowhere' }] },
    },
    backends: { chat: backend(ports.chatBackend), irc: backend(ports.ircBackend), nowhere: backend(ports.nowhere) },
    admin: { listen: listen(ports.admin) },
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

/** A TCP server that sends everything back. */
async function startEcho(t: Test, port: number): Promise<void> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => {}).pipe(socket);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
}

/** Samples by name and labels, as they stand in the text. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'));
  return new Map(lines.map(line => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]));
}

/** What is still open when the traffic is over. */
interface Open {
  readonly webSocket: WebSocket;
  readonly irc: RawClient;
}

async function sendTraffic(t: Test, ports: Ports): Promise<Open> {
  await keepAliveRequests(t, ports.chat);
  await connectionsOfEveryKind(t, ports.chat);
  const plain = clientAt(t, '127.0.0.5');
  t.match(await request(plain, { port: ports.plain, path: '/down' }), { status: 502 });
  t.match(await request(plain, { port: ports.plain, path: '/other' }), { status: 404 });
  plain.destroy();

  const short = await connect(t, ports.irc, `${HEADER}one`);
  await short.until('one');
  short.socket.end();
  await short.ended();
  const irc = await connect(t, ports.irc, `${HEADER}seven b`);
  await irc.until('seven b');
  return { webSocket: await openWebSocket(t, ports.chat), irc };
}

/** Six requests on one connection behind a v1 header. */
async function keepAliveRequests(t: Test, port: number): Promise<void> {
  const agent = new HeaderAgent(t, HEADER);
  for (let n = 0; n < 5; n += 1) t.match(await request(agent, { port }), { status: 200 });
  const body = Buffer.alloc(100_000, 'x');
  t.match(await request(agent, { port, method: 'POST', body }), { status: 200 });
  agent.destroy();
}

async function connectionsOfEveryKind(t: Test, port: number): Promise<void> {
  const requestBehind = (header: string | Uint8Array): Promise<string> =>
    converse(t, port, Buffer.concat([Buffer.from(header), Buffer.from(GET)]));
  for (const header of [v2, local, 'PROXY UNKNOWN\r\n']) t.match(await requestBehind(header), /^HTTP\/1\.1 200 /);
  for (const header of ['', wrongSum, 'PROXY TCP4 1 2 3 4\r\n']) t.equal(await requestBehind(header), '');
  t.match(await converse(t, port, `${HEADER}GET / HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 400 /);

  const stranger = await connectFrom(t, '127.0.0.99', port);
  t.equal(await stranger.ended(), '');
  for (const bytes of ['', 'PROXY TCP4 10.0.0.1 10.0.0.1 1 2\r\n']) {
    const probe = await connect(t, port, bytes);
    probe.socket.end();
    t.equal(await probe.ended(), '');
  }
}

/** A WebSocket that has sent one message and received it. */
async function openWebSocket(t: Test, port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`, { agent: new HeaderAgent(t, HEADER) });
  t.teardown(() => socket.terminate());
  const answer = once(socket, 'message');
  socket.once('open', () => socket.send('x'.repeat(1_000)));
  await answer;
  return socket;
}

/** What must be there at that moment; the names and labels are those of DESIGN, contract for alerts and dashboards. */
function expectedSamples(ports: Ports): Record<string, number> {
  return {
    'usher_connections_total{listener="chat"}': 12,
    'usher_connections_total{listener="irc"}': 2,
    'usher_connections_total{listener="plain"}': 1,
    'usher_connections_open{listener="chat"}': 1,
    'usher_connections_open{listener="irc"}': 1,
    'usher_connections_open{listener="plain"}': 0,
    'usher_proxy_headers_total{listener="chat",version="v1",command="PROXY"}': 4,
    'usher_proxy_headers_total{listener="chat",version="v1",command="UNKNOWN"}': 1,
    'usher_proxy_headers_total{listener="chat",version="v2",command="PROXY"}': 1,
    'usher_proxy_headers_total{listener="chat",version="v2",command="LOCAL"}': 1,
    'usher_proxy_headers_total{listener="chat",version="none",command="none"}': 0,
    'usher_proxy_headers_total{listener="irc",version="v1",command="PROXY"}': 2,
    'usher_proxy_headers_total{listener="plain",version="none",command="none"}': 1,
    'usher_refused_total{listener="chat",code="header-missing"}': 1,
    'usher_refused_total{listener="chat",code="header-crc"}': 1,
    'usher_refused_total{listener="chat",code="header-malformed"}': 1,
    'usher_refused_total{listener="chat",code="source-untrusted"}': 1,
    'usher_refused_total{listener="chat",code="host-missing"}': 1,
    'usher_refused_total{listener="chat",code="connection-limit"}': 0,
    'usher_refused_total{listener="plain",code="backend-unreachable"}': 1,
    'usher_refused_total{listener="plain",code="route-missing"}': 1,
    'usher_health_probes_total{listener="chat",kind="empty"}': 1,
    'usher_health_probes_total{listener="chat",kind="local"}': 1,
    'usher_health_probes_total{listener="chat",kind="self"}': 1,
    'usher_requests_total{listener="chat",backend="chat",status="200"}': 9,
    'usher_requests_total{listener="chat",backend="chat",status="101"}': 1,
    'usher_requests_total{listener="chat",backend="none",status="400"}': 1,
    'usher_requests_total{listener="plain",backend="nowhere",status="502"}': 1,
    'usher_requests_total{listener="plain",backend="none",status="404"}': 1,
    'usher_request_seconds_count{listener="chat",backend="chat"}': 9,
    'usher_request_seconds_bucket{listener="chat",backend="chat",le="+Inf"}': 9,
    'usher_tunnels_open{listener="chat",backend="chat"}': 1,
    'usher_tunnels_open{listener="irc",backend="irc"}': 1,
    'usher_tunnels_total{listener="chat",backend="chat"}': 1,
    'usher_tunnels_total{listener="irc",backend="irc"}': 2,
    'usher_bytes_total{listener="irc",direction="to_backend"}': 10,
    'usher_bytes_total{listener="irc",direction="to_client"}': 10,
    'usher_dial_seconds_count{backend="irc"}': 2,
    'usher_dial_seconds_count{backend="nowhere"}': 0,
    'usher_config_reloads_total{result="ok"}': 0,
    'usher_config_reloads_total{result="failed"}': 0,
    [`usher_endpoint_up{backend="chat",endpoint="127.0.0.1:${ports.chatBackend}"}`]: 1,
    [`usher_endpoint_up{backend="nowhere",endpoint="127.0.0.1:${ports.nowhere}"}`]: 0,
    [`usher_dial_failures_total{backend="nowhere",endpoint="127.0.0.1:${ports.nowhere}",code="backend-unreachable"}`]: 1,
    [`usher_build_info{version="${version}",node="${process.version}"}`]: 1,
  };
}

t.test('a running usher', async t => {
  const ports = await choosePorts();
  const usher = await startRun(t, ['--config', writeConfig(t, ports)]);
  const agent = clientAt(t, '127.0.0.1');
  const ask = (path: string, method = 'GET'): Promise<ClientResponse> =>
    request(agent, { port: ports.admin, path, method });
  const scrape = async (): Promise<string> => (await ask('/metrics')).body.toString();

  const startBackends = async (): Promise<void> => {
    await startBackend(t, ports.chatBackend);
    await startEcho(t, ports.ircBackend);
  };

  await t.test('is ready when a backend is up, and not before', async t => {
    t.match(await ask('/livez'), { status: 200, body: /^ok\n$/ });
    await usher.until(() => usher.stderr.match(/"up":false/g)?.length === 3);
    t.match(await ask('/readyz'), { status: 503, body: /^no backend is up\n$/ });
    await startBackends();
    for (const port of [ports.chatBackend, ports.ircBackend]) {
      await usher.until(() => usher.stderr.includes(`"endpoint":"127.0.0.1:${port}","up":true`));
    }
    t.match(await ask('/readyz'), { status: 200, body: /^ready\n$/ });
    t.match(await ask('/readyz', 'HEAD'), { status: 200, headers: { 'content-length': '6' } });
  });

  await t.test('answers with a PROXY header in front too, as an NLB checks it', async t => {
    for (const header of [HEADER, v2, local]) {
      t.match(await request(new HeaderAgent(t, header), { port: ports.admin, path: '/readyz' }), { status: 200 });
    }
  });

  const { webSocket, irc } = await sendTraffic(t, ports);

  await t.test('every metric has the value that the traffic gave it', async t => {
    // A connection is over for its client a moment before it is for usher.
    const open = ['usher_connections_open{listener="chat"} 1', 'usher_connections_open{listener="plain"} 0'];
    let text = await scrape();
    while (!open.every(line => text.includes(line))) text = await scrape();
    const samples = samplesOf(text);
    const expected = expectedSamples(ports);
    t.same(Object.fromEntries(Object.keys(expected).map(name => [name, samples.get(name)])), expected);

    const sent = samples.get('usher_bytes_total{listener="chat",direction="to_backend"}') ?? 0;
    t.ok(sent > 101_000 && sent < 110_000, `${sent} bytes to the backend, those of the open WebSocket among them`);
    t.ok((samples.get('usher_request_seconds_sum{listener="chat",backend="chat"}') ?? 0) > 0);
    t.ok((samples.get('usher_dial_seconds_count{backend="chat"}') ?? 0) >= 2);
    t.ok((samples.get('process_resident_memory_bytes') ?? 0) > 1e7);
    t.notMatch(text, /203\.0\.113\.9|2001:db8|127\.0\.0\.99/, 'no address of a client or peer is a label');
  });

  await t.test('promtool has nothing to say', async t => {
    const path = needProgram(t, 'promtool');
    if (path === undefined) return;
    const promtool = startProgram(t, path, ['check', 'metrics'], { input: await scrape() });
    t.equal(await promtool.ended(), 0);
    t.equal(promtool.stdout + promtool.stderr, '');
  });

  await t.test('/status is the same in JSON', async t => {
    const status = await ask('/status');
    t.match(status.headers, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    t.match(JSON.parse(status.body.toString()), {
      version,
      node: process.version,
      pid: usher.pid,
      state: 'running',
      listeners: [
        { name: 'chat', address: `127.0.0.1:${ports.chat}`, protocol: 'http', connectionsOpen: 1 },
        { name: 'irc', protocol: 'tcp', proxyProtocol: 'required', connectionsOpen: 1, bytesToBackend: 10 },
        { name: 'plain', proxyProtocol: 'off', connectionsOpen: 0 },
      ],
      backends: [
        { name: 'chat', endpoints: [{ address: `127.0.0.1:${ports.chatBackend}`, up: true, active: 1 }] },
        { name: 'irc', endpoints: [{ up: true, active: 1 }] },
        { name: 'nowhere', endpoints: [{ up: false, active: 0, idle: 0 }] },
      ],
    });
    t.match(await ask('/nothing'), { status: 404, body: /\/metrics/ });
  });

  await t.test('while it drains: alive, not ready, and still to be scraped', async t => {
    usher.signal('SIGTERM');
    await usher.until(() => usher.stderr.includes('"msg":"draining"'));
    t.match(await ask('/livez'), { status: 200 });
    t.match(await ask('/readyz'), { status: 503, body: /^draining\n$/ });
    t.match(await scrape(), 'usher_tunnels_open{listener="chat",backend="chat"} 1');
    t.match(JSON.parse((await ask('/status')).body.toString()), { state: 'draining' });

    const closed = once(webSocket, 'close');
    webSocket.close(1000);
    await closed;
    irc.socket.destroy();
    t.equal(await usher.ended(), 0);
  });
});

t.test('at the start a backend that is up does not make up for one that is still starting', async t => {
  const [listen, admin, up, late] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const file = join(t.testdir(), 'usher.json');
  const healthCheck = { interval: '100ms', rise: 1, fall: 100 };
  const backend = (port: number) => ({ endpoints: [port], healthCheck });
  const routes = [{ path: '/late', backend: 'late' }];
  const config = {
    listeners: { chat: { listen: `127.0.0.1:${listen}`, proxyProtocol: 'off', backend: 'chat', routes } },
    backends: { chat: backend(up), late: backend(late) },
    admin: { listen: `127.0.0.1:${admin}` },
  };
  writeFileSync(file, JSON.stringify(config));
  await startBackend(t, up);
  const usher = await startRun(t, ['--config', file]);
  const ready = async () => {
    const { status, body } = await request(clientAt(t, '127.0.0.1'), { port: admin, path: '/readyz' });
    return `${status} ${body.toString().trim()}`;
  };
  await usher.until(() => usher.stderr.includes(`"endpoint":"127.0.0.1:${up}","up":true`));
  t.equal(await ready(), '503 starting: waiting for backend late');
  await startEcho(t, late);
  await usher.until(() => usher.stderr.includes(`"endpoint":"127.0.0.1:${late}","up":true`));
  t.equal(await ready(), '200 ready');
  usher.signal('SIGTERM');
  await usher.ended();
});
