/** WebSocket upgrades: from a request to a tunnel, when the backend says so and only then. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import net from 'node:net';
import t, { type Test } from 'tap';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import { leftovers, NOTHING_LEFT } from '../support/flow.js';
import { field, nextResponse, request, response, serveAnswers, serveHttp, serveSpoken } from '../support/http.js';
import { connect, converse, HEADER, type RawClient, turns } from '../support/sockets.js';
import { type RunningUsher, startUsherBefore } from '../support/usher.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
const UPGRADE_FIELDS = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  `Sec-WebSocket-Key: ${KEY}`,
  'Sec-WebSocket-Version: 13',
];
const UPGRADE = request('/chat', UPGRADE_FIELDS);
const SWITCHING = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`;

/** A text frame of a client, masked with zeros; shorter than 126 bytes. */
function frame(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]);
}

/** A server of `ws` that echoes and says who the client is. */
async function startChat(t: Test): Promise<RunningUsher> {
  const { port, server } = await serveHttp(t, (_req, res) => res.end('no socket'));
  const chat = new WebSocketServer({ server });
  chat.on('connection', (socket, req) => {
    socket.send(`hello ${req.headers['x-forwarded-for']}`);
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on('error', () => {});
  });
  t.teardown(() => chat.close());
  return startUsherBefore(t, port);
}

/** A client of `ws` behind a PROXY header. */
function open(t: Test, port: number): WebSocket {
  const createConnection = (() => {
    const socket = net.connect(port, '127.0.0.1');
    socket.write(HEADER);
    return socket;
  }) as typeof net.createConnection;
  const client = new WebSocket(`ws://127.0.0.1:${port}/chat`, { createConnection });
  t.teardown(() => client.terminate());
  return client;
}

async function message(client: WebSocket): Promise<Buffer> {
  const [data] = (await once(client, 'message')) as [RawData];
  return data as Buffer;
}

t.test('a client and a server of ws talk through usher', async t => {
  const usher = await startChat(t);
  const client = open(t, usher.port);
  t.equal((await message(client)).toString(), 'hello 203.0.113.9');
  client.send('ping');
  t.equal((await message(client)).toString(), 'ping');
  const large = randomBytes(1 << 20);
  client.send(large);
  t.ok((await message(client)).equals(large), '1 MiB comes back as it was');
  client.close(1000, 'bye');
  const [code, reason] = (await once(client, 'close')) as [number, Buffer];
  t.same([code, reason.toString()], [1000, 'bye']);
  await usher.seen.atRest();
  t.same(await leftovers(usher), NOTHING_LEFT);
  t.same(usher.seen.refusals, []);
});

t.test('the exchange is told once with 101, and the tunnel counts its own bytes', async t => {
  const backend = await serveSpoken(t, client => client.send(SWITCHING));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + UPGRADE);
  const answer = await nextResponse(client);
  t.equal(answer.status, 101);
  t.equal(field(answer.fields, 'sec-websocket-accept'), ACCEPT);
  t.equal(field(answer.fields, 'upgrade'), 'websocket');
  t.match(usher.seen.exchanges, [{ status: 101, upgraded: true, target: '/chat', code: undefined }]);
  t.match(usher.seen.tunnels, [
    { backend: 'chat', endpoint: `127.0.0.1:${backend.port}`, bytesToBackend: 0, bytesToClient: 0 },
  ]);
  t.equal(usher.proxy.status().backends[0]?.endpoints[0]?.active, 1);
  client.send('12345');
  const served = await backend.connection(0);
  await served.until('12345');
  served.send('1234567');
  await client.until('1234567');
  client.socket.end();
  await served.ended();
  served.socket.end();
  await usher.seen.atRest();
  t.match(usher.seen.closedTunnels, [{ bytesToBackend: 5, bytesToClient: 7, code: undefined }]);
  t.equal(usher.seen.exchanges.length, 1);
});

t.test('frames in the segment of the request reach the backend behind it', async t => {
  const usher = await startChat(t);
  const client = await connect(t, usher.port, Buffer.concat([Buffer.from(HEADER + UPGRADE), frame('early bird')]));
  await client.until('early bird');
  t.equal((await nextResponse(client)).status, 101);
});

t.test('frames wait for the 101: the backend sees none before it agreed', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, `${HEADER}${UPGRADE}early`);
  const served = await backend.connection(0);
  client.send(' and more');
  await turns(10);
  t.notMatch(served.text, 'early');
  served.send(SWITCHING);
  await served.until('early and more');
});

t.test('frames in the segment of the 101 reach the client behind it', async t => {
  const backend = await serveSpoken(t, client => client.send(`${SWITCHING}first frame`));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + UPGRADE);
  t.equal((await nextResponse(client)).status, 101);
  await client.until('first frame');
  t.equal(client.text, 'first frame');
});

t.test('extensions, protocols and cookies of the handshake pass', async t => {
  const fields = [
    'Sec-WebSocket-Extensions: permessage-deflate',
    'Sec-WebSocket-Protocol: chat, superchat',
    'Cookie: io=1',
  ];
  const agreed = SWITCHING.replace(
    '\r\n\r\n',
    '\r\nSec-WebSocket-Protocol: chat\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n',
  );
  const backend = await serveSpoken(t, client => client.send(agreed));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + request('/', [...UPGRADE_FIELDS, ...fields]));
  const answer = await nextResponse(client);
  const { text } = await backend.connection(0);
  for (const line of fields) t.match(text, line);
  t.match(text, 'X-Forwarded-For: 203.0.113.9');
  t.equal(field(answer.fields, 'sec-websocket-protocol'), 'chat');
  t.same(
    answer.fields.filter(([name]) => name === 'Set-Cookie').map(([, value]) => value),
    ['a=1', 'b=2'],
  );
});

for (const side of ['client', 'backend'] as const) {
  t.test(`a ${side} that ends its side still hears the other`, async t => {
    const backend = await serveSpoken(t, client => client.send(SWITCHING));
    const usher = await startUsherBefore(t, backend.port);
    const client = await connect(t, usher.port, HEADER + UPGRADE);
    await nextResponse(client);
    const served = await backend.connection(0);
    const [ending, staying]: RawClient[] = side === 'client' ? [client, served] : [served, client];
    ending?.send('last words');
    ending?.socket.end();
    t.match(await staying?.ended(), /last words$/);
    staying?.send('noted');
    await ending?.until('noted');
    staying?.socket.end();
    await usher.seen.atRest();
    t.same(await leftovers(usher), NOTHING_LEFT);
  });
}

t.test('a client that ends its side before the 101 is heard by the backend as ended', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + UPGRADE);
  const served = await backend.connection(0);
  client.socket.end();
  await turns(10);
  t.equal(served.ending, 'open', 'not before the tunnel stands');
  served.send(SWITCHING);
  await served.ended();
  served.send('still talking');
  await client.until('still talking');
  served.socket.end();
  await usher.seen.atRest();
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('an upgrade that the backend refuses is an answer like any other, and then the connection ends', async t => {
  const body = 'who are you?'.repeat(10_000);
  const backend = await serveAnswers(t, () => response(body, ['WWW-Authenticate: Basic'], '401 Unauthorized'));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, `${HEADER}${UPGRADE}a frame`);
  const answer = await nextResponse(client);
  t.equal(answer.status, 401);
  t.equal(answer.body.toString(), body);
  t.equal(field(answer.fields, 'connection'), 'close');
  t.equal(await client.ended(), '');
  client.socket.end();
  await usher.seen.atRest();
  t.notMatch((await backend.connection(0)).text, 'a frame');
  t.same(usher.seen.tunnels, []);
  t.match(usher.seen.exchanges, [{ status: 401, upgraded: false }]);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('h2c is not forwarded as an upgrade', async t => {
  const backend = await serveAnswers(t, () => response('plain'));
  const usher = await startUsherBefore(t, backend.port);
  const fields = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA'];
  const client = await connect(t, usher.port, HEADER + request('/', fields));
  t.equal((await nextResponse(client)).body.toString(), 'plain');
  t.equal(usher.seen.exchanges[0]?.bytesToBackend, usher.proxy.status().listeners[0]?.bytesToBackend);
  client.send(request('/2'));
  t.equal((await nextResponse(client)).body.toString(), 'plain', 'the connection stays HTTP');
});

const unasked: readonly { name: string; request: string; answer: string }[] = [
  { name: 'nobody asked', request: request('/'), answer: SWITCHING },
  {
    name: 'another protocol was asked for',
    request: request('/', ['Connection: Upgrade', 'Upgrade: h2c']),
    answer: SWITCHING,
  },
  {
    name: 'it switches to another protocol',
    request: UPGRADE,
    answer: SWITCHING.replace('Upgrade: websocket', 'Upgrade: h2c'),
  },
  { name: 'it names no protocol', request: UPGRADE, answer: 'HTTP/1.1 101 Switching Protocols\r\n\r\n' },
  { name: 'it speaks HTTP/1.0', request: UPGRADE, answer: SWITCHING.replace('HTTP/1.1', 'HTTP/1.0') },
];

for (const one of unasked) {
  t.test(`101 is 502 when ${one.name}`, async t => {
    const backend = await serveAnswers(t, () => `${one.answer}secret`);
    const usher = await startUsherBefore(t, backend.port);
    const client = await connect(t, usher.port, HEADER + one.request);
    const { status, body } = await nextResponse(client);
    t.equal(status, 502);
    t.match(body.toString(), /^502 backend-upgrade-unasked: /);
    await (await backend.connection(0)).ended();
    t.notMatch(client.text, 'secret');
    t.same(usher.seen.tunnels, []);
  });
}

t.test('a malformed request for a WebSocket is 400', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + UPGRADE.replace('GET', 'POST'));
  t.equal((await nextResponse(client)).status, 400);
  t.same(usher.seen.codes, ['upgrade-invalid']);
  t.equal(backend.connections.length, 0);
});

t.test('an upgrade never takes a pooled connection, and one behind a request works', async t => {
  const backend = await serveAnswers(t, head => (head.includes('Upgrade') ? SWITCHING : response('ok')));
  const usher = await startUsherBefore(t, backend.port);
  const client = await connect(t, usher.port, HEADER + request('/') + UPGRADE);
  t.equal((await nextResponse(client)).status, 200);
  t.equal((await nextResponse(client)).status, 101);
  t.equal(backend.connections.length, 2);
  const [, upgraded] = [await backend.connection(0), await backend.connection(1)];
  client.send('frame');
  await upgraded.until('frame');
});

t.test('a tunnel without a byte ends when its time is over, one with bytes goes on', async t => {
  const backend = await serveSpoken(t, client => client.send(SWITCHING));
  const usher = await startUsherBefore(t, backend.port, { timeouts: { tunnelMs: 100 } });
  const idle = await connect(t, usher.port, HEADER + UPGRADE);
  await nextResponse(idle);
  const busy = await connect(t, usher.port, HEADER + UPGRADE);
  await nextResponse(busy);
  const drip = setInterval(() => busy.send('.'), 10);
  t.teardown(() => clearInterval(drip));
  await idle.ended();
  await usher.seen.until(() => usher.seen.closedTunnels.length === 1);
  t.match(usher.seen.closedTunnels, [{ code: 'tunnel-idle', bytesToBackend: 0 }]);
  t.equal(busy.ending, 'open');
  clearInterval(drip);
  await busy.ended();
  await usher.seen.atRest();
  t.same(usher.seen.codes, ['tunnel-idle', 'tunnel-idle']);
  t.same(await leftovers(usher), NOTHING_LEFT);
});

t.test('CONNECT is forwarded where the listener allows it, and opens a tunnel when the backend agrees', async t => {
  const backend = await serveSpoken(t, server => {
    const refuse = server.text.startsWith('CONNECT no:1 ');
    server.send(
      refuse ? 'HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno' : 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfirst',
    );
    server.socket.on('end', () => server.socket.end());
  });
  const usher = await startUsherBefore(t, backend.port, { refusedMethods: new Set() });
  const client = await connect(t, usher.port, `${HEADER}CONNECT chat:1 HTTP/1.1\r\nHost: chat:1\r\n\r\nbytes`);
  t.match(await client.until('first'), /^HTTP\/1\.1 200 OK\r\nDate: [^\r]* GMT\r\n\r\nfirst$/);
  t.match(await (await backend.connection(0)).until('bytes'), /^CONNECT chat:1 HTTP\/1\.1\r\nHost: chat:1\r\n/);
  client.socket.end();
  await client.ended();
  const refused = await converse(t, usher.port, `${HEADER}CONNECT no:1 HTTP/1.1\r\nHost: no:1\r\n\r\nbytes`);
  t.match(refused, /^HTTP\/1\.1 403 No\r\nContent-Length: 2\r\nDate: [^\r]* GMT\r\nConnection: close\r\n\r\nno$/);
  await usher.seen.atRest();
  t.same(
    usher.seen.exchanges.map(exchange => [exchange.status, exchange.upgraded]),
    [
      [200, true],
      [403, false],
    ],
  );
});

t.test('a WebSocket version other than 13 is 426, and says which one is understood (RFC 6455 4.4)', async t => {
  const backend = await serveSpoken(t);
  const usher = await startUsherBefore(t, backend.port);
  const fields = 'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n';
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
  const text = await converse(t, usher.port, `${HEADER}GET / HTTP/1.1\r\nHost: a\r\n${fields}${key}\r\n`);
  t.match(text, /^HTTP\/1\.1 426 Upgrade Required\r\n/);
  t.match(text, /\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nConnection: close, Upgrade\r\n/);
  t.same(usher.seen.codes, ['upgrade-version']);
  t.equal(backend.connections.length, 0, 'no backend was asked');
});
