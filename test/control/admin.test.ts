import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import process from 'node:process';
import t from 'tap';
import { type Admin, type AdminOptions, startAdmin } from '../../src/control/admin.js';
import type { EndpointStatus, ProxyStatus } from '../../src/status.js';
import { withoutIPv6 } from '../support/no-ipv6.js';

const status: ProxyStatus = { state: 'running', listeners: [], backends: [] };

type Over = Partial<AdminOptions> & { host?: string };

/** An admin listener on port 0 that is closed with its test, and how often it was asked to drain. */
async function start(
  t: { teardown(end: () => unknown): void },
  over: Over = {},
): Promise<Admin & { drained: () => number }> {
  let drains = 0;
  const admin = await startAdmin({
    listen: { host: over.host ?? '127.0.0.1', port: 0 },
    registry: { contentType: 'text/plain; version=0.0.4', metrics: async () => 'up 1\n' },
    status: () => status,
    ready: () => true,
    version: '1.2.3',
    actions: { drain: () => (drains += 1) },
    ...over,
  });
  t.teardown(() => admin.close());
  return { ...admin, drained: () => drains };
}

/** Opens a connection, writes the pieces one after the other, and answers with all that came until it closed. */
async function talk(admin: Admin, ...pieces: (string | Uint8Array)[]): Promise<string> {
  const socket = await open(admin);
  for (const piece of pieces) await write(socket, piece);
  return whole(socket);
}

async function open({ address }: Admin): Promise<Socket> {
  const socket = createConnection({ host: address.address, port: address.port, noDelay: true });
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Writes, and waits until the other side of the loopback has had a turn to read it. */
async function write(socket: Socket, piece: string | Uint8Array): Promise<void> {
  await new Promise(done => socket.write(piece, done));
  await new Promise(done => setImmediate(done));
}

async function whole(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8').on('data', chunk => {
    text += chunk;
  });
  // Not `once` of node:events, which rejects where the other side resets what it did not read.
  await new Promise(done => socket.once('close', done));
  return text;
}

function request(line: string, ...fields: string[]): string {
  return [`${line} HTTP/1.1`, 'Host: localhost', 'Connection: close', ...fields, '', ''].join('\r\n');
}

function hex(text: string): Uint8Array {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

/** A health check of an NLB as captured (kubernetes/kubernetes#57250): LOCAL, no address block, 100 bytes. */
const local = hex(`0d0a0d0a000d0a515549540a 20110054 030004bce5951f 04004a${'00'.repeat(74)}`);
/** The smallest LOCAL header. */
const localShort = hex('0d0a0d0a000d0a515549540a 20000000');
/** 203.0.113.9:51234 to 10.0.1.20:443. */
const v2 = hex('0d0a0d0a000d0a515549540a 2111000c cb007109 0a000114 c822 01bb');
/** 127.0.0.1:1 to 127.0.0.1:2: a peer that would like to be local. */
const v2Loopback = hex('0d0a0d0a000d0a515549540a 2111000c 7f000001 7f000001 0001 0002');
const v1 = 'PROXY TCP4 203.0.113.9 10.0.1.20 51234 443\r\n';

t.test('answers bare HTTP', async t => {
  const admin = await start(t);
  const livez = await talk(admin, request('GET /livez'));
  t.match(livez, /^HTTP\/1\.1 200 OK\r\n/);
  t.ok(livez.endsWith('\r\n\r\nok\n'));
  const metrics = await talk(admin, request('GET /metrics?x=1'));
  t.match(metrics, 'Content-Type: text/plain; version=0.0.4\r\n');
  t.ok(metrics.endsWith('\r\n\r\nup 1\n'));
  const picture = await talk(admin, request('GET /status'));
  t.match(picture, 'Content-Type: application/json\r\n');
  t.match(JSON.parse(picture.slice(picture.indexOf('{'))), {
    version: '1.2.3',
    node: process.version,
    pid: process.pid,
    uptimeSeconds: Number,
    ...status,
  });
});

t.test('HEAD is GET without the body', async t => {
  const admin = await start(t);
  for (const path of ['/metrics', '/livez', '/readyz', '/status']) {
    const answer = await talk(admin, request(`HEAD ${path}`));
    t.match(answer, /^HTTP\/1\.1 200 OK\r\n/, path);
    t.match(answer, /Content-Length: [1-9]/);
    t.ok(answer.endsWith('\r\n\r\n'), path);
  }
});

t.test('/readyz says 503 and why', async t => {
  let ready: ReturnType<AdminOptions['ready']> = true;
  const admin = await start(t, { ready: () => ready });
  t.match(await talk(admin, request('GET /readyz')), /^HTTP\/1\.1 200 .*\r\n\r\nready\n$/s);
  ready = false;
  t.match(await talk(admin, request('GET /readyz')), /^HTTP\/1\.1 503 .*\r\n\r\nnot ready\n$/s);
  ready = { ready: false, why: 'draining' };
  t.match(await talk(admin, request('GET /readyz')), /^HTTP\/1\.1 503 .*\r\n\r\ndraining\n$/s);
  ready = { ready: true, why: '' };
  t.match(await talk(admin, request('GET /readyz')), /^HTTP\/1\.1 200 /);
});

t.test('a PROXY header in front is as if it were not there', async t => {
  const admin = await start(t);
  const headers = { v1, 'v1 UNKNOWN': 'PROXY UNKNOWN\r\n', v2, local, localShort };
  for (const [name, header] of Object.entries(headers)) {
    const bytes = Buffer.concat([Buffer.from(header), Buffer.from(request('GET /livez'))]);
    t.match(await talk(admin, bytes), /^HTTP\/1\.1 200 OK\r\n.*ok\n$/s, `${name}, in one piece`);
    t.match(await talk(admin, header, request('GET /livez')), /^HTTP\/1\.1 200 /, `${name}, then the request`);
    const single = Array.from(bytes, byte => Uint8Array.of(byte));
    t.match(await talk(admin, ...single), /^HTTP\/1\.1 200 OK\r\n.*ok\n$/s, `${name}, byte by byte`);
  }
});

t.test('a connection with a header serves several requests', async t => {
  const admin = await start(t);
  const socket = await open(admin);
  socket.write(Buffer.concat([local, Buffer.from('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n')]));
  await once(socket, 'data');
  socket.write('GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n');
  const [second] = await once(socket, 'data');
  t.match(String(second), /^HTTP\/1\.1 200 OK\r\n.*ready\n$/s);
  socket.destroy();
});

t.test('a client that closes its side behind the request gets its answer', async t => {
  const admin = await start(t);
  for (const header of ['', v1]) {
    const socket = await open(admin);
    socket.end(`${header}GET /livez HTTP/1.0\r\n\r\n`);
    t.match(await whole(socket), /^HTTP\/1\.1 200 OK\r\n.*ok\n$/s);
  }
});

t.test('a second header is payload, and no HTTP', async t => {
  const admin = await start(t);
  t.match(await talk(admin, v1, v1, request('GET /livez')), /^HTTP\/1\.1 400 /);
});

t.test('HTTP that begins like a header is HTTP', async t => {
  const admin = await start(t);
  t.match(await talk(admin, request('POST /drain', 'Content-Length: 0')), /^HTTP\/1\.1 202 /);
  for (const method of ['PUT', 'PATCH', 'PROPFIND']) {
    t.match(await talk(admin, request(`${method} /livez`)), /^HTTP\/1\.1 405 .*\r\nAllow: GET, HEAD\r\n/s, method);
    const single = Array.from(request(`${method} /livez`));
    t.match(await talk(admin, ...single), /^HTTP\/1\.1 405 /, `${method}, byte by byte`);
  }
  t.match(await talk(admin, `\r\n${request('GET /livez')}`), /^HTTP\/1\.1 200 /, 'an empty line first');
});

t.test('silence, a lone P and a header with nothing behind it are closed without a word', async t => {
  const admin = await start(t, { firstBytesMs: 20 });
  for (const pieces of [[], ['P'], ['PROXY TCP4 '], [v1], [local.subarray(0, 15)], [local]]) {
    t.equal(await talk(admin, ...pieces), '');
  }
});

t.test('the deadline ends with the first byte behind the header', async t => {
  const admin = await start(t, { firstBytesMs: 150 });
  const socket = await open(admin);
  socket.write(Buffer.concat([local, Buffer.from('G')]));
  t.equal(await talk(admin), '', 'one that came later and said nothing is gone by now');
  socket.write(request('ET /livez'));
  t.match(await whole(socket), /^HTTP\/1\.1 200 /);
});

t.test('connections that end early are no trouble', async t => {
  const faults: unknown[] = [];
  const admin = await start(t, { logger: { error: fields => faults.push(fields) } });
  for (const text of ['', 'P', 'GET /li', v1]) {
    const socket = await open(admin);
    socket.end(text);
    await whole(socket);
    const reset = await open(admin);
    await write(reset, text);
    reset.resetAndDestroy();
    await once(reset, 'close');
  }
  t.match(await talk(admin, request('GET /livez')), /^HTTP\/1\.1 200 /);
  t.strictSame(faults, []);
});

t.test('garbage gets 400 from HTTP, and a broken header nothing', async t => {
  const admin = await start(t);
  t.match(await talk(admin, '\u0016\u0003\u0001 hello\r\n\r\n'), /^HTTP\/1\.1 400 /);
  t.equal(await talk(admin, 'PROXY TCP4 999.1.1.1 10.0.0.1 1 2\r\n'), '');
  const badSum = Uint8Array.from(local);
  badSum[20] = 0;
  t.equal(await talk(admin, badSum), '');
});

t.test('unknown paths and wrong methods are told what there is', async t => {
  const admin = await start(t);
  t.match(
    await talk(admin, request('GET /')),
    /^HTTP\/1\.1 404 .*there are \/metrics, \/livez, \/readyz, \/status, \/drain\n$/s,
  );
  t.match(await talk(admin, request('POST /reload', 'Content-Length: 0')), /^HTTP\/1\.1 404 /);
  t.match(await talk(admin, request('GET /drain')), /^HTTP\/1\.1 405 .*\r\nAllow: POST\r\n/s);
  t.match(await talk(admin, request('DELETE /metrics')), /^HTTP\/1\.1 405 .*\r\nAllow: GET, HEAD\r\n/s);
  t.equal(admin.drained(), 0);
});

t.test('drain starts for loopback peers, whatever a header says', async t => {
  const admin = await start(t);
  const post = request('POST /drain', 'Content-Length: 0');
  t.match(await talk(admin, post), /^HTTP\/1\.1 202 /);
  t.match(await talk(admin, v2, post), /^HTTP\/1\.1 202 /, 'the header names a stranger, the peer is local');
  t.equal(admin.drained(), 2);
});

t.test('drain starts for ::1 and for IPv4 on a dual-stack listener', async t => {
  let admin: Awaited<ReturnType<typeof start>>;
  try {
    admin = await start(t, { host: '::' });
  } catch {
    t.pass('this host has no IPv6');
    return;
  }
  const post = request('POST /drain', 'Content-Length: 0');
  for (const address of ['::1', '127.0.0.1', '127.8.9.10']) {
    const there = { ...admin, address: { address, port: admin.address.port } };
    t.match(await talk(there, post), /^HTTP\/1\.1 202 /, address);
  }
  t.equal(admin.drained(), 3);
});

t.test('on every address, it takes IPv4 alone where there is no IPv6', async t => {
  const admin = await withoutIPv6(() => start(t, { host: '::' }));
  t.equal(admin.address.address, '0.0.0.0');
  const there = { ...admin, address: { address: '127.0.0.1', port: admin.address.port } };
  t.match(await talk(there, request('GET /livez')), /^HTTP\/1\.1 200 /);
});

t.test('drain is refused to other peers, even with a header that names a loopback address', async t => {
  const outside = ownAddress();
  if (outside === undefined) {
    t.pass('this host has no address but loopback');
    return;
  }
  const admin = await start(t, { host: '0.0.0.0' });
  const there = { ...admin, address: { address: outside, port: admin.address.port } };
  const post = request('POST /drain', 'Content-Length: 0');
  t.match(await talk(there, post), /^HTTP\/1\.1 403 /);
  t.match(await talk(there, v2Loopback, post), /^HTTP\/1\.1 403 /);
  t.match(await talk(there, request('GET /livez')), /^HTTP\/1\.1 200 /);
  t.equal(admin.drained(), 0);
});

t.test('drain is refused to web pages', async t => {
  const admin = await start(t);
  for (const field of ['Origin: http://evil.example', 'Origin: null', 'Sec-Fetch-Site: cross-site']) {
    t.match(await talk(admin, request('POST /drain', 'Content-Length: 0', field)), /^HTTP\/1\.1 403 /, field);
  }
  t.equal(admin.drained(), 0);
});

t.test('a page whose own name points here (DNS rebinding) is told nothing but whether usher is well', async t => {
  const { admin, asked } = await startWithEndpoints(t);
  const get = (path: string, host: string, method = 'GET') =>
    talk(admin, `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  const foreign = ['evil.example', 'evil.example:9180', 'localhost.evil.example', '127.0.0.1.evil.example:80', ''];
  const words = /^HTTP\/1\.1 403 .*by an IP address or localhost: ask for http:\/\/127\.0\.0\.1, with the port\n$/s;
  for (const host of foreign) {
    for (const path of ['/status', '/metrics', '/status?/livez', '/nothing'])
      t.match(await get(path, host), words, host);
    for (const path of ['/livez', '/readyz?x']) t.match(await get(path, host), /^HTTP\/1\.1 200 /, host);
    for (const path of ['/drain', '/backends/chat/endpoints/127.0.0.1:3001/drain'])
      t.match(await get(path, host, 'POST'), words, host);
  }
  t.strictSame([admin.drained(), asked], [0, []]);
  for (const host of ['localhost', 'LocalHost:9180', '127.0.0.1', '127.0.0.1:1', '[::1]:9180', '10.0.0.7:9180'])
    t.match(await get('/status', host), /^HTTP\/1\.1 200 /, host);
  t.match(await talk(admin, v2, request('GET /status').replace('localhost', 'evil.example')), /^HTTP\/1\.1 403 /);
  t.match(await talk(admin, 'GET /status HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /, 'no browser leaves Host out');
});

t.test('another machine may ask by any name', async t => {
  const outside = ownAddress();
  if (outside === undefined) {
    t.pass('this host has no address but loopback');
    return;
  }
  const admin = await start(t, { host: '0.0.0.0' });
  const there = { ...admin, address: { address: outside, port: admin.address.port } };
  t.match(await talk(there, request('GET /status').replace('localhost', 'usher.internal')), /^HTTP\/1\.1 200 /);
});

t.test('reload is there when it is given, and is waited for', async t => {
  t.match(await post(await start(t), '/reload'), /^404 no such path/);
  const cases = [
    ['reloaded', 200],
    ['bad-configuration', 422],
    ['cannot-bind', 409],
    ['refused', 503],
    ['failed', 500],
  ] as const;
  for (const [kind, status] of cases) {
    const outcome = { kind, lines: ['one', 'two'] };
    const reload = async () => {
      await new Promise(done => setImmediate(done));
      return outcome;
    };
    const admin = await start(t, { actions: { drain() {}, reload } });
    t.equal(await post(admin, '/reload'), `${status} one\ntwo`);
    t.equal(await post(admin, '/reload', 'Origin: http://evil.example'), '403 not from a web page');
    t.match(await talk(admin, request('GET /reload')), /^HTTP\/1\.1 405 .*\r\nAllow: POST\r\n/s);
  }
});

/** One that DNS has given before, and that `/status` doesn't show. */
const LEFT_OUT = 'app.internal:3009';

/** An admin listener over two backends, and what it was asked to drain. */
async function startWithEndpoints(t: { teardown(end: () => unknown): void }, over: Over = {}) {
  const state = (address: string, changes: Partial<EndpointStatus> = {}): EndpointStatus => {
    return { address, origin: undefined, up: true, settled: true, draining: false, active: 0, idle: 0, ...changes };
  };
  const chat = [state('127.0.0.1:3001', { active: 3 }), state('[2001:db8::7]:3002', { draining: true })];
  const alone = [state('app.internal:3000'), state('app.internal:3001', { up: false })];
  const backends = [
    { name: 'chat', lookingUp: false, endpoints: chat },
    { name: 'alone', lookingUp: false, endpoints: alone },
    { name: 'none', lookingUp: false, endpoints: [] },
  ];
  const asked: [string, string, boolean][] = [];
  const actions = {
    drain() {},
    drainEndpoint: (backend: string, endpoint: string, draining: boolean) => {
      const isShown = backends.find(({ name }) => name === backend)?.endpoints.some(each => each.address === endpoint);
      if (isShown !== true && endpoint !== LEFT_OUT) return false;
      asked.push([backend, endpoint, draining]);
      return true;
    },
  };
  const admin = await start(t, { status: () => ({ ...status, backends }), actions, ...over });
  return { admin, asked };
}

/** `STATUS BODY` of a POST. */
async function post(admin: Admin, path: string, ...fields: string[]): Promise<string> {
  const answer = await talk(admin, request(`POST ${path}`, 'Content-Length: 0', ...fields));
  return answer.replace(/^HTTP\/1\.1 (\d+)[\s\S]*?\r\n\r\n([\s\S]*)\n$/, '$1 $2');
}

t.test('one endpoint is drained and undrained, and the answer says what that means', async t => {
  const { admin, asked } = await startWithEndpoints(t);
  const all = 'known sessions keep it, and new ones may come all the same, because no other endpoint is up and stays';
  const cases = [
    { path: 'chat/endpoints/127.0.0.1:3001/drain', says: `127.0.0.1:3001 of backend chat is draining: ${all}; 3` },
    {
      path: 'chat/endpoints/[2001:db8::7]:3002/drain',
      says: '[2001:db8::7]:3002 of backend chat was draining already: new sessions avoid it, known ones keep it; 0',
    },
    {
      path: 'chat/endpoints/%5B2001%3adb8::7%5D%3A3002/undrain',
      says: '[2001:db8::7]:3002 of backend chat no longer drains: new sessions may come; 0',
    },
    {
      path: 'chat/endpoints/127.0.0.1:3001/undrain?x=/drain',
      says: '127.0.0.1:3001 of backend chat was not draining: new sessions may come; 3',
    },
    {
      path: '%61lone/endpoints/app.internal:3001/drain',
      says: 'app.internal:3001 of backend alone is draining: new sessions avoid it, known ones keep it; 0',
    },
    {
      path: 'alone/endpoints/app.internal:3000/drain',
      says: `app.internal:3000 of backend alone is draining: ${all}; 0`,
    },
  ];
  for (const { path, says } of cases) t.equal(await post(admin, `/backends/${path}`), `200 ${says} active there`, path);
  t.strictSame(asked, [
    ['chat', '127.0.0.1:3001', true],
    ['chat', '[2001:db8::7]:3002', true],
    ['chat', '[2001:db8::7]:3002', false],
    ['chat', '127.0.0.1:3001', false],
    ['alone', 'app.internal:3001', true],
    ['alone', 'app.internal:3000', true],
  ]);
});

t.test('an endpoint that DNS leaves out for now is drained and undrained, too', async t => {
  const { admin, asked } = await startWithEndpoints(t);
  const path = `/backends/alone/endpoints/${LEFT_OUT}`;
  const why = 'DNS or a reload has left it out, so that only known sessions may come';
  t.equal(await post(admin, `${path}/drain`), `200 ${LEFT_OUT} of backend alone is draining: ${why}`);
  t.equal(await post(admin, `${path}/undrain`), `200 ${LEFT_OUT} of backend alone no longer drains: ${why}`);
  t.strictSame(asked, [
    ['alone', LEFT_OUT, true],
    ['alone', LEFT_OUT, false],
  ]);
});

t.test('who asks for an endpoint that is not there is told which are', async t => {
  const { admin, asked } = await startWithEndpoints(t);
  const backends = '404 no such backend; there are chat, alone, none';
  const endpoints = '404 backend chat has no such endpoint; it has 127.0.0.1:3001, [2001:db8::7]:3002';
  const paths =
    '404 no such path; there are /metrics, /livez, /readyz, /status, /drain, ' +
    '/backends/NAME/endpoints/ADDRESS/drain, /backends/NAME/endpoints/ADDRESS/undrain';
  const cases = [
    { path: '/backends/chats/endpoints/127.0.0.1:3001/drain', says: backends },
    { path: '/backends/chat%00/endpoints/127.0.0.1:3001/drain', says: backends },
    { path: '/backends/__proto__/endpoints/127.0.0.1:3001/drain', says: backends },
    { path: '/backends/%2563hat/endpoints/127.0.0.1:3001/drain', says: backends },
    { path: '/backends/chat%2Fendpoints%2F127.0.0.1:3001/endpoints/127.0.0.1:3001/drain', says: backends },
    { path: '/backends/chat/endpoints/127.0.0.1:3002/undrain', says: endpoints },
    { path: '/backends/chat/endpoints/2001:db8::7:3002/drain', says: endpoints },
    { path: '/backends/chat/endpoints/..%2f127.0.0.1:3001/drain', says: endpoints },
    { path: '/backends/none/endpoints/1/drain', says: '404 backend none has no such endpoint; it has none' },
    { path: '/backends/chat/endpoints/%ff:3001/drain', says: '400 the path is not percent-encoded UTF-8' },
    { path: '/backends/%/endpoints/127.0.0.1:3001/drain', says: '400 the path is not percent-encoded UTF-8' },
    { path: '/backends/chat/endpoints/127.0.0.1:3001', says: paths },
    { path: '/backends/chat/endpoints/127.0.0.1:3001/drain/', says: paths },
    { path: '/backends/chat/endpoints//drain', says: paths },
    { path: '/backends/chat/endpoints/127.0.0.1:3001/Drain', says: paths },
    { path: '/x/backends/chat/endpoints/127.0.0.1:3001/drain', says: paths },
  ];
  for (const { path, says } of cases) t.equal(await post(admin, path), says, path);
  t.strictSame(asked, []);

  const gone = await startWithEndpoints(t, { actions: { drain() {}, drainEndpoint: () => false } });
  t.equal(await post(gone.admin, '/backends/chat/endpoints/127.0.0.1:3001/drain'), endpoints, 'gone in between');
  const without = await startWithEndpoints(t, { actions: { drain() {} } });
  t.match(await post(without.admin, '/backends/chat/endpoints/127.0.0.1:3001/drain'), /^404 no such path.*\/drain$/);
});

t.test('endpoints are drained by POST only, and only by who may drain usher', async t => {
  const path = '/backends/chat/endpoints/127.0.0.1:3001/drain';
  const { admin, asked } = await startWithEndpoints(t, { listen: { host: '0.0.0.0', port: 0 } });
  const here = { ...admin, address: { address: '127.0.0.1', port: admin.address.port } };
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
    t.match(await talk(here, request(`${method} ${path}`)), /^HTTP\/1\.1 405 .*\r\nAllow: POST\r\n/s, method);
  }
  for (const field of ['Origin: http://evil.example', 'Origin: null', 'Sec-Fetch-Site: same-origin']) {
    t.equal(await post(here, path, field), '403 not from a web page', field);
  }
  const outside = ownAddress();
  if (outside !== undefined) {
    const there = { ...admin, address: { address: outside, port: admin.address.port } };
    t.equal(await post(there, path), '403 only from a loopback address');
    t.match(await talk(there, v2Loopback, request(`POST ${path}`, 'Content-Length: 0')), /^HTTP\/1\.1 403 /);
  }
  t.strictSame(asked, []);
  t.match(await talk(here, v2, request(`POST ${path}`, 'Content-Length: 0')), /^HTTP\/1\.1 200 /);
  t.strictSame(asked, [['chat', '127.0.0.1:3001', true]]);
});

t.test('a body is not read: the connection ends with the answer', async t => {
  const admin = await start(t);
  const head = 'POST /livez HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n';
  const answer = await talk(admin, `${head}${'x'.repeat(1000)}`);
  t.match(answer, /^HTTP\/1\.1 405 /);
  t.match(answer, 'Connection: close\r\n');
});

t.test('a fault in an answer is a 500 and a line in the log', async t => {
  const faults: object[] = [];
  const admin = await start(t, {
    logger: { error: fields => faults.push(fields) },
    status: () => {
      throw new Error('no picture');
    },
    registry: { contentType: 'text/plain', metrics: () => Promise.reject(new Error('no numbers')) },
  });
  for (const path of ['/status', '/metrics']) {
    const answer = await talk(admin, request(`GET ${path}`));
    t.match(answer, /^HTTP\/1\.1 500 /);
    t.notMatch(answer, /no (picture|numbers)/);
  }
  t.match(faults, [{ err: { message: 'no picture' } }, { err: { message: 'no numbers' } }]);
});

t.test('connections beyond the cap are closed at once', async t => {
  const admin = await start(t, { maxConnections: 3 });
  const open3 = [await open(admin), await open(admin), await open(admin)];
  t.equal(await talk(admin), '');
  const [first] = open3;
  if (first === undefined) throw new Error('no connection');
  t.match(await serveOn(first), /^HTTP\/1\.1 200 /);
  for (const socket of open3) socket.destroy();
});

t.test('peers on other machines leave places for those on this one', async t => {
  const outside = ownAddress();
  if (outside === undefined) {
    t.pass('this host has no address but loopback');
    return;
  }
  const admin = await start(t, { host: '0.0.0.0', maxConnections: 4, loopbackConnections: 2 });
  const from = (address: string) => ({ ...admin, address: { address, port: admin.address.port } });
  const there = [await open(from(outside)), await open(from(outside))];
  for (const socket of there) await write(socket, 'GET /li');
  t.equal(await talk(from(outside), request('GET /livez')), '', 'they have no third place');
  t.match(await talk(from('127.0.0.1'), request('GET /livez')), /^HTTP\/1\.1 200 /);
  there[0]?.destroy();
  while ((await talk(from(outside), request('GET /livez'))) === '');
  t.pass('a place that was given back is taken again');
  there[1]?.destroy();
});

t.test('a head that does not end is not waited for', async t => {
  const admin = await start(t, { headMs: 60 });
  const startedAt = performance.now();
  t.match(await talk(admin, 'GET /livez HTTP/1.1\r\nHost: a\r\n'), /^HTTP\/1\.1 408 /);
  t.match(await talk(admin, local, 'G'), /^HTTP\/1\.1 408 /, 'behind a PROXY header, too');
  t.ok(performance.now() - startedAt < 8_000, 'long before the time of a whole request');
  const slow = await open(admin);
  t.match(await serveOn(slow), /^HTTP\/1\.1 200 /, 'one that ends is fine');
  slow.destroy();
});

t.test('an address that is taken rejects', async t => {
  const admin = await start(t);
  await t.rejects(start(t, { listen: { host: '127.0.0.1', port: admin.address.port } }), { code: 'EADDRINUSE' });
});

t.test('close ends connections at the door and idle ones, and can be called twice', async t => {
  const admin = await start(t, { closeMs: 60_000 });
  const atDoor = await open(admin);
  const idle = await open(admin);
  t.match(await serveOn(idle), /^HTTP\/1\.1 200 /);
  const ends = [once(atDoor.resume(), 'close'), once(idle, 'close')];
  await Promise.all([admin.close(), admin.close(), ...ends]);
  await t.rejects(open(admin), { code: 'ECONNREFUSED' });
});

t.test('close lets an answer under way end, and waits no longer than it was told', async t => {
  let finish: (text: string) => void = () => {};
  let ask: () => void = () => {};
  const asked = new Promise<void>(resolve => {
    ask = resolve;
  });
  const registry = {
    contentType: 'text/plain',
    metrics: () => {
      ask();
      return new Promise<string>(resolve => {
        finish = resolve;
      });
    },
  };
  const patient = await start(t, { registry, closeMs: 60_000 });
  const scrape = talk(patient, request('GET /metrics'));
  await asked;
  const closed = patient.close();
  finish('late 1\n');
  t.match(await scrape, /late 1\n$/);
  await closed;

  const hasty = await start(t, {
    registry: { ...registry, metrics: () => new Promise<string>(() => {}) },
    closeMs: 10,
  });
  const socket = await open(hasty);
  await write(socket, request('GET /metrics'));
  const gone = whole(socket);
  await hasty.close();
  t.equal(await gone, '');
});

/** One request on a connection that stays open; its answer. */
async function serveOn(socket: Socket): Promise<string> {
  socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
  const [answer] = await once(socket, 'data');
  return String(answer);
}

/** An IPv4 address of this host that isn't a loopback one. */
function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap(addresses => addresses ?? []);
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}
