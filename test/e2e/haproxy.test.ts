/** The whole way with the real HAProxy in the load balancer's place: client, HAProxy, usher, backend. */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import { join } from 'node:path';
import tls from 'node:tls';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import type { ProbeKind } from '../../src/observer.js';
import { decodeProxyHeader } from '../../src/proxy-header/decode.js';
import { describeHeader } from '../../src/proxy-header/describe.js';
import { type RunningBackend, type SeenRequest, startBackend, valuesOf } from '../support/peer-backend.js';
import { type ClientResponse, clientAt, request } from '../support/peer-client.js';
import { type HaproxySection, startHaproxy } from '../support/peer-haproxy.js';
import { needProgram } from '../support/peers.js';
import type { Recorder } from '../support/recorder.js';
import { serve } from '../support/sockets.js';
import { startUsherBefore } from '../support/usher.js';

interface Way {
  readonly port: number;
  readonly seen: Recorder;
  readonly backend: RunningBackend;
}

/** HAProxy, usher and the backend, each before the other; undefined where there is no HAProxy. */
async function startWay(t: Test, section: Omit<HaproxySection, 'server'>): Promise<Way | undefined> {
  const program = needProgram(t, 'haproxy');
  if (program === undefined) return undefined;
  const backend = await startBackend(t);
  const usher = await startUsherBefore(t, backend.port, { forwarded: true });
  const { ports } = await startHaproxy(t, program, { lb: { ...section, server: usher.port } });
  return { port: ports.lb, seen: usher.seen, backend };
}

const forged = {
  'X-Forwarded-For': ['6.6.6.6', '7.7.7.7'],
  Forwarded: 'for=6.6.6.6',
  'X-Real-IP': '6.6.6.6',
  'X-Forwarded-Proto': 'https',
  'X-Forwarded-Port': '1',
  'X-Forwarded-Host': 'evil.example',
  x_forwarded_for: '6.6.6.6',
  'x_real-ip': '6.6.6.6',
  Connection: 'keep-alive, X-Forwarded-For, X-Real-IP, Forwarded',
};

const forwardingName = /^(x[-_](forwarded|real)|forwarded)/i;

/** What the backend must have been told about a client: exactly this. */
function forwardedFields(local: ClientResponse['local'], port: number): [string, string][] {
  const host = `127.0.0.1:${port}`;
  return [
    ['X-Forwarded-For', local.address],
    ['X-Real-IP', local.address],
    ['X-Forwarded-Proto', 'http'],
    ['X-Forwarded-Port', String(port)],
    ['X-Forwarded-Host', host],
    ['Forwarded', `for="${local.address}:${local.port}";proto=http;host="${host}"`],
  ];
}

function forwardingOf(fields: SeenRequest['fields']): SeenRequest['fields'] {
  return fields.filter(([name]) => forwardingName.test(name));
}

function seenBy(response: ClientResponse): SeenRequest {
  return JSON.parse(response.body.toString());
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const ways: readonly {
  readonly name: string;
  readonly headers: string;
  readonly section: Omit<HaproxySection, 'server'>;
}[] = [
  { name: 'send-proxy', headers: 'v1 PROXY', section: { words: 'send-proxy' } },
  { name: 'send-proxy-v2', headers: 'v2 PROXY', section: { words: 'send-proxy-v2' } },
  {
    name: 'send-proxy-v2 with checksum and unique id',
    headers: 'v2 PROXY',
    section: {
      words: 'send-proxy-v2 proxy-v2-options crc32c,unique-id',
      lines: ['unique-id-format %{+X}o%ci:%cp_%Ts_%rt'],
    },
  },
  {
    name: 'send-proxy-v2 in HTTP mode',
    headers: 'v2 PROXY',
    section: { mode: 'http', words: 'send-proxy-v2', lines: ['http-reuse never'] },
  },
];

for (const { name, headers, section } of ways) {
  t.test(`behind HAProxy with ${name}`, async t => {
    const way = await startWay(t, section);
    if (way === undefined) return;
    const { port, seen, backend } = way;

    await t.test('each request names its own client, and nobody else', async t => {
      const agents = ['127.0.0.5', '127.0.0.6', '127.0.0.7'].map(address => ({ address, agent: clientAt(t, address) }));
      for (let round = 0; round < 3; round += 1) {
        for (const { address, agent } of agents) {
          const response = await request(agent, { port, path: `/room/${round}`, headers: forged });
          t.match(response, { status: 200, local: { address } });
          const { fields, url } = seenBy(response);
          t.equal(url, `/room/${round}`);
          t.same(forwardingOf(fields), forwardedFields(response.local, port), `${address}, round ${round}`);
        }
      }
      t.same(new Set(seen.headers), new Set(agents.map(({ address }) => `${headers} ${address}`)));
      t.equal(seen.headers.length, agents.length, 'one connection for each client');
    });

    await t.test('clients at the same time are not mixed up', async t => {
      const agents = Array.from({ length: 8 }, (_, n) => clientAt(t, `127.0.1.${n + 1}`));
      const responses = await Promise.all(
        Array.from({ length: 80 }, (_, n) => request(agents[n % agents.length] ?? clientAt(t, ''), { port })),
      );
      for (const response of responses) {
        t.same(forwardingOf(seenBy(response).fields), forwardedFields(response.local, port));
      }
    });

    await t.test('bodies arrive whole, with a length or in chunks, both ways', async t => {
      const agent = clientAt(t, '127.0.0.5');
      const pieces = [randomBytes(1), randomBytes(100_000), randomBytes(300_000)];
      const body = Buffer.concat(pieces);
      const expected = { method: 'POST', bodyBytes: body.length, sha256: sha256(body) };

      const counted = await request(agent, { port, method: 'POST', body, headers: { 'Content-Length': body.length } });
      t.match(seenBy(counted), expected);
      t.equal(counted.headers['transfer-encoding'], undefined);

      const chunked = await request(agent, { port, path: '/chunked', method: 'POST', body: pieces });
      t.match(seenBy(chunked), expected);
      t.equal(chunked.headers['transfer-encoding'], 'chunked');
      t.same(valuesOf(seenBy(chunked).fields, 'Content-Length'), []);

      const large = await request(agent, { port, path: '/large?3000000' });
      t.equal(large.body.length, 3_000_000);
      t.equal(sha256(large.body), sha256(Buffer.alloc(3_000_000, 'large ')));
      t.same(counted.local, large.local, 'all on one connection');
    });

    await t.test('a WebSocket: who it is, what it says and how it ends', async t => {
      const { socket, local } = await openWebSocket(t, port, '127.0.0.8');
      const far = await backend.socket(backend.sockets.length - 1);
      t.same(forwardingOf(far.fields), forwardedFields(local, port));

      t.equal(String(await echoed(socket, 'hello')), 'hello');
      const large = randomBytes(1 << 20);
      t.equal(sha256(await echoed(socket, large)), sha256(large), '1 MiB there and back');

      const pong = once(socket, 'pong');
      socket.ping('are you there');
      t.equal(String((await pong)[0]), 'are you there');
      const ping = once(socket, 'ping');
      far.socket.ping('and you');
      t.equal(String((await ping)[0]), 'and you');

      socket.close(1000, 'done');
      t.same(await far.closed, { code: 1000, reason: 'done' });
    });

    await t.test('close codes of the backend arrive', async t => {
      for (const code of [1000, 1001, 1012, 4321]) {
        const { socket } = await openWebSocket(t, port, '127.0.0.8');
        const closed = once(socket, 'close');
        socket.send(`close ${code}`);
        const [got, reason] = await closed;
        t.same([got, String(reason)], [code, 'as you say']);
      }
    });

    await seen.atRest();
    t.same(seen.refusals, [], 'nothing was refused');
    t.same(seen.probes, [], 'nothing was taken for a probe');
    t.equal(seen.closedTunnels.length, 5);
  });
}

interface OpenWebSocket {
  readonly socket: WebSocket;
  readonly local: ClientResponse['local'];
}

/** A WebSocket that stands, with forged fields in its handshake. */
async function openWebSocket(t: Test, port: number, localAddress: string): Promise<OpenWebSocket> {
  const { Connection: _, ...headers } = forged;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket`, { localAddress, headers });
  t.teardown(() => socket.terminate());
  const upgraded = once(socket, 'upgrade');
  await once(socket, 'open');
  const [{ socket: wire }] = (await upgraded) as [IncomingMessage];
  return { socket, local: { address: wire.localAddress ?? '', port: wire.localPort ?? 0 } };
}

async function echoed(socket: WebSocket, message: string | Uint8Array): Promise<Buffer> {
  const answer = once(socket, 'message');
  socket.send(message);
  return (await answer)[0];
}

const checks: readonly { readonly name: string; readonly words: string; readonly probe: ProbeKind }[] = [
  { name: 'v2', words: 'send-proxy-v2 check-send-proxy', probe: 'local' },
  { name: 'v1', words: 'send-proxy check-send-proxy', probe: 'self' },
];

for (const { name, words, probe } of checks) {
  // HAProxy resets these within microseconds, so that most are dead when usher accepts them and nothing can be read.
  t.test(`TCP checks of HAProxy are probes and never refusals: ${name}`, async t => {
    const way = await startWay(t, { words: `${words} check inter 10ms` });
    if (way === undefined) return;
    const { seen } = way;
    await seen.until(() => seen.closed >= 10);
    t.same(seen.refusals, []);
    t.ok(seen.probes.length >= 10, `${seen.probes.length} probes`);
    t.same(
      seen.probes.filter(kind => kind !== probe && kind !== 'empty'),
      [],
    );
    t.same(seen.exchanges, [], 'no backend was asked');
  });
}

const httpChecks = [
  { name: 'v2: a LOCAL header', words: 'send-proxy-v2', probe: 'local', header: 'v2 LOCAL' },
  { name: 'v1: a header that names HAProxy twice', words: 'send-proxy', probe: 'self', header: 'v1 PROXY' },
] as const;

for (const { name, words, probe, header } of httpChecks) {
  t.test(`HTTP checks of HAProxy are answered by the backend; ${name}`, async t => {
    const lines = ['option httpchk GET /healthz', 'http-check expect status 200'];
    const way = await startWay(t, { words: `${words} check inter 100ms`, lines });
    if (way === undefined) return;
    const { seen, port } = way;
    await seen.until(() => seen.exchanges.length >= 3);
    t.match(seen.exchanges[0], { target: '/healthz', status: 200 });
    t.same(new Set(seen.probes), new Set([probe]));
    t.same(new Set(seen.headers), new Set([`${header} 127.0.0.1`]));
    const response = await request(clientAt(t, '127.0.0.5'), { port });
    t.match(response, { status: 200 }, 'HAProxy takes usher for healthy and sends clients');
    t.same(valuesOf(seenBy(response).fields, 'X-Forwarded-For'), ['127.0.0.5']);
    t.same(seen.refusals, []);
  });
}

t.test('HAProxy without send-proxy: refused, and the refusal says what came instead', async t => {
  const program = needProgram(t, 'haproxy');
  if (program === undefined) return;
  const backend = await startBackend(t);
  const { port: server, seen } = await startUsherBefore(t, backend.port);
  const { ports } = await startHaproxy(t, program, { plain: { server }, http: { server, mode: 'http' } });
  await t.rejects(request(clientAt(t, '127.0.0.5'), { port: ports.plain }));
  t.match(await request(clientAt(t, '127.0.0.5'), { port: ports.http }), { status: 502 }, "HAProxy's own answer");
  const hello = tls.connect({ port: ports.plain, host: '127.0.0.1', rejectUnauthorized: false });
  await new Promise(resolve => hello.on('error', resolve));
  await seen.atRest();
  t.same(
    new Set(seen.refusals.map(({ code, detail }) => `${code} ${detail}`)),
    new Set(['header-missing http', 'header-missing tls']),
  );
  t.same(seen.exchanges, []);
});

t.test('a cut-over: optional serves HAProxy with and without send-proxy', async t => {
  const program = needProgram(t, 'haproxy');
  if (program === undefined) return;
  const backend = await startBackend(t);
  const { port: server, seen } = await startUsherBefore(t, backend.port, { proxyProtocol: 'optional' });
  const { ports } = await startHaproxy(t, program, { before: { server }, after: { server, words: 'send-proxy-v2' } });
  for (const [port, address] of [
    [ports.before, '127.0.0.1'],
    [ports.after, '127.0.0.5'],
  ] as const) {
    const { fields } = seenBy(await request(clientAt(t, '127.0.0.5'), { port }));
    t.same(valuesOf(fields, 'X-Forwarded-For'), [address]);
  }
  t.same(seen.headers, ['none none 127.0.0.1', 'v2 PROXY 127.0.0.5']);
});

/** A certificate for the balancer, key and all in one file, as HAProxy wants it. */
async function makeCertificate(t: Test, openssl: string): Promise<string> {
  const dir = t.testdir();
  const [key, certificate, both] = ['key.pem', 'certificate.pem', 'both.pem'].map(name => join(dir, name)) as [
    string,
    string,
    string,
  ];
  await promisify(execFile)(openssl, [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
    ...['-subj', '/CN=chat.example', '-keyout', key, '-out', certificate],
  ]);
  await writeFile(both, (await readFile(certificate, 'utf8')) + (await readFile(key, 'utf8')));
  return both;
}

t.test('HAProxy ends TLS and says so: the backend learns https', async t => {
  const program = needProgram(t, 'haproxy');
  const openssl = needProgram(t, 'openssl');
  if (program === undefined || openssl === undefined) return;
  const certificate = await makeCertificate(t, openssl);
  const backend = await startBackend(t);
  const { port: server, seen } = await startUsherBefore(t, backend.port);
  const raw = await serve(t);
  const bind = `ssl crt ${certificate} alpn http/1.1`;
  const words = 'send-proxy-v2-ssl-cn proxy-v2-options crc32c,unique-id,authority,ssl-cipher,cert-sig,cert-key';
  const lines = ['unique-id-format %ci-%cp'];
  const { ports } = await startHaproxy(t, program, {
    usher: { server, bind, words, lines },
    plain: { server, words: 'send-proxy-v2-ssl' },
    raw: { server: raw.port, bind, words, lines },
  });

  const agent = new https.Agent({ keepAlive: true, localAddress: '127.0.0.9', rejectUnauthorized: false });
  t.teardown(() => agent.destroy());
  const secure = seenBy(await request(agent, { port: ports.usher }));
  t.same(valuesOf(secure.fields, 'X-Forwarded-Proto'), ['https']);
  t.same(valuesOf(secure.fields, 'X-Forwarded-For'), ['127.0.0.9']);
  const plain = seenBy(await request(clientAt(t, '127.0.0.9'), { port: ports.plain }));
  t.same(valuesOf(plain.fields, 'X-Forwarded-Proto'), ['http'], 'without TLS HAProxy says nothing of it');
  t.same(seen.refusals, []);

  const client = tls.connect({
    ...{ port: ports.raw, host: '127.0.0.1', localAddress: '127.0.0.9', rejectUnauthorized: false },
    ...{ servername: 'chat.example', ALPNProtocols: ['http/1.1'] },
  });
  t.teardown(() => client.destroy());
  await once(client, 'secureConnect');
  client.write('payload');
  const far = await raw.connection(0);
  await far.until('payload');
  const decoded = decodeProxyHeader(far.received);
  if (decoded.kind !== 'header') throw new Error(`no header: ${far.received.toString('hex')}`);
  t.equal(far.received.subarray(decoded.length).toString(), 'payload');
  t.match(describeHeader(decoded.header, decoded.length), {
    version: 2,
    command: 'PROXY',
    source: { address: '127.0.0.9', port: client.localPort },
    destination: { address: '127.0.0.1', port: ports.raw },
    tlvs: [
      { name: 'CRC32C' },
      { name: 'ALPN', text: 'http/1.1' },
      { name: 'AUTHORITY', text: 'chat.example' },
      { name: 'UNIQUE_ID', hex: Buffer.from(`127.0.0.9-${client.localPort}`).toString('hex') },
      { name: 'SSL', client: ['SSL'], verify: 0, tlvs: sslTlvs },
    ],
  });
});

const sslTlvs = [
  { name: 'SSL_VERSION', text: /^TLSv1\.\d$/ },
  { name: 'SSL_KEY_ALG', text: 'EC256' },
  { name: 'SSL_SIG_ALG', text: 'ecdsa-with-SHA256' },
  { name: 'SSL_CIPHER', text: /^[A-Z0-9_-]+$/ },
];
