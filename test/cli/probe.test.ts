import { once } from 'node:events';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { WebSocketServer } from 'ws';
import { type ProbeOptions, probe } from '../../src/cli/probe.js';
import { decodeProxyHeader } from '../../src/proxy-header/decode.js';

interface Run {
  exitCode: number;
  out: string;
  err: string;
}

async function run(target: string | number, options: ProbeOptions = {}): Promise<Run> {
  let out = '';
  let err = '';
  const exitCode = await probe(String(target), options, {
    stdout: {
      write: text => {
        out += text;
      },
    },
    stderr: {
      write: text => {
        err += text;
      },
    },
  });
  return { exitCode, out, err };
}

async function listen(t: Test, server: Server, host = '127.0.0.1'): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

interface Receiver {
  port: number;
  /** Everything that came on the first connection. */
  bytes(): Buffer;
  /** How many reads it came in. */
  reads(): number;
}

const requestHead = /[A-Z]+ \S+ HTTP\/1\.1\r\n(?:[^\r\n]+\r\n)*\r\n$/;
const ok = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello';

/** Takes a connection; when a whole request head has come, answers and ends it. */
async function receiver(t: Test, answer: string | Buffer = ok): Promise<Receiver> {
  let first: Buffer[] | undefined;
  const server = createServer(socket => {
    const pieces: Buffer[] = [];
    first ??= pieces;
    socket.on('error', () => socket.destroy());
    socket.on('data', piece => {
      pieces.push(piece);
      if (requestHead.test(Buffer.concat(pieces).toString('latin1'))) {
        socket.end(answer);
      }
    });
  });
  const port = await listen(t, server);
  return { port, bytes: () => Buffer.concat(first ?? []), reads: () => first?.length ?? 0 };
}

/** A server that does one thing with each connection. */
function serverThat(t: Test, act: (socket: Socket) => void): Promise<number> {
  return listen(
    t,
    createServer(socket => {
      socket.on('error', () => socket.destroy());
      act(socket);
    }),
  );
}

const v2Start = '0d0a0d0a000d0a515549540a';
const addresses: ProbeOptions = { source: '203.0.113.9:51234', destination: '10.0.1.20:443' };
const ipv6: ProbeOptions = { source: '[2001:DB8::9]:51234', destination: '[2001:db8:1::20]:443' };

const headers: readonly { name: string; options: ProbeOptions; hex: string }[] = [
  {
    name: 'v2 over IPv4',
    options: { ...addresses, crc: false },
    hex: `${v2Start}2111000ccb0071090a000114c82201bb`,
  },
  {
    name: 'v2 over IPv6',
    options: { ...ipv6, crc: false },
    hex: `${v2Start}2121002420010db800000000000000000000000920010db8000100000000000000000020c82201bb`,
  },
  { name: 'LOCAL', options: { proxy: 'local', crc: false }, hex: `${v2Start}20000000` },
  {
    name: 'v1 over IPv4',
    options: { ...addresses, proxy: 'v1' },
    hex: Buffer.from('PROXY TCP4 203.0.113.9 10.0.1.20 51234 443\r\n').toString('hex'),
  },
  {
    name: 'v1 over IPv6',
    options: { ...ipv6, proxy: 'v1' },
    hex: Buffer.from('PROXY TCP6 2001:db8::9 2001:db8:1::20 51234 443\r\n').toString('hex'),
  },
  { name: 'nothing', options: { proxy: 'none' }, hex: '' },
  {
    name: 'the health check of an NLB',
    options: { nlbHealth: true },
    hex: `${v2Start}20110054030004bce5951f04004a${'00'.repeat(74)}`,
  },
  {
    name: 'an Azure link id',
    options: { ...addresses, crc: false, tlv: ['azure-link=553665985'] },
    hex: `${v2Start}21110014cb0071090a000114c82201bbee000501c1450021`,
  },
  {
    name: 'a Google connection id',
    options: { ...addresses, crc: false, tlv: ['gcp-psc=18446744072646845442'] },
    hex: `${v2Start}21110017cb0071090a000114c82201bbe00008ffffffffc0a86402`,
  },
  {
    name: 'TLVs by name and in hex',
    options: { proxy: 'local', crc: false, tlv: ['alpn=h2', 'e1=0xC0FFEE', '0xF0=', 'aws-vpce=vpce-1', 'ssl=TLSv1.3'] },
    hex: `${v2Start}2000002a0100026832e10003c0ffeef00000ea000701767063652d3120000f0100000001210007544c5376312e33`,
  },
];

for (const { name, options, hex } of headers) {
  t.test(`sends ${name}, then a request, and shows the answer`, async t => {
    const far = await receiver(t);
    const { exitCode, out, err } = await run(far.port, options);
    t.equal(exitCode, 0, err);
    const received = far.bytes();
    t.equal(received.subarray(0, hex.length / 2).toString('hex'), hex);
    t.match(
      received.subarray(hex.length / 2).toString('latin1'),
      new RegExp(`^GET / HTTP/1\\.1\\r\\nHost: 127\\.0\\.0\\.1:${far.port}\\r\\n`),
    );
    t.match(out, /^connected {2}127\.0\.0\.1:\d+ to 127\.0\.0\.1:\d+, in [\d.]+ ms\n/);
    t.match(out, /\nHTTP\/1\.1 200 OK\nContent-Type: text\/plain\nContent-Length: 5\n\nhello\n$/);
    t.ok(out.includes(hex === '' ? 'no PROXY header' : hex), out);
  });
}

t.test('without options it is a v2 header with a checksum, to the address dialled', async t => {
  const far = await receiver(t);
  t.match(await run(`localhost:${far.port}`, { tlv: ['aws-vpce=vpce-08d2bf15fac5001c9'] }), { exitCode: 0 });
  const decoded = decodeProxyHeader(far.bytes());
  t.match(decoded, {
    kind: 'header',
    header: {
      version: 2,
      command: 'PROXY',
      source: { address: '203.0.113.9', port: 51234 },
      destination: { address: '127.0.0.1', port: far.port },
    },
  });
  const tlvs = decoded.kind === 'header' ? decoded.header.tlvs : [];
  t.same(
    tlvs.map(({ type }) => type),
    [0xea, 0x03],
  );
  t.equal(Buffer.from(tlvs[0]?.value ?? []).toString(), '\x01vpce-08d2bf15fac5001c9');
});

t.test('sends the header in pieces when asked', async t => {
  const far = await receiver(t);
  const { exitCode, out } = await run(far.port, { ...addresses, crc: false, fragments: '3' });
  t.equal(exitCode, 0);
  t.match(out, /28 bytes, 3 at a time/);
  t.equal(far.bytes().subarray(0, 28).toString('hex'), headers[0]?.hex);
  t.ok(far.reads() > 2, `${far.reads()} reads`);
});

t.test('asks what it is told to ask', async t => {
  const far = await receiver(t);
  await run(`[::ffff:127.0.0.1]:${far.port}`, {
    proxy: 'none',
    method: 'OPTIONS',
    path: '/room/7?x=%20',
    host: 'chat.example.org',
    header: ['X-Forwarded-For: 6.6.6.6', 'Cookie: a=1', 'x-forwarded-for:7.7.7.7', 'User-Agent: someone'],
  });
  const [line, ...fields] = far.bytes().toString('latin1').trimEnd().split('\r\n');
  t.equal(line, 'OPTIONS /room/7?x=%20 HTTP/1.1');
  t.same(fields.slice(0, 5), [
    'Host: chat.example.org',
    'User-Agent: someone',
    'x-forwarded-for: 6.6.6.6',
    'x-forwarded-for: 7.7.7.7',
    'Cookie: a=1',
  ]);
});

t.test('shows the body as it is, but for what a terminal would obey', async t => {
  const body = 'über\r\n\x1b[31mred\x07\u202e\ttab';
  const head = Buffer.from('HTTP/1.1 200 Fi\x1bne\r\nX-A: b\x9bc\r\n\r\n', 'latin1');
  const far = await receiver(t, Buffer.concat([head, Buffer.from(body)]));
  const { out } = await run(far.port);
  t.ok(out.endsWith('\nHTTP/1.1 200 Fi\\x1bne\nX-A: b\\x9bc\n\nüber\n\\x1b[31mred\\x07\\u{202e}\ttab\n'), out);
  const json = await run(far.port, { json: true });
  t.notMatch(json.out, /[^\n\P{C}]/u);
  t.match(JSON.parse(json.out), { answer: { reason: 'Fi\x1bne', body } });
});

t.test('keeps 4 KiB of a body', async t => {
  const far = await receiver(t, `HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(5000)}`);
  const { exitCode, out } = await run(far.port);
  t.equal(exitCode, 0);
  t.ok(out.endsWith(`\n${'x'.repeat(4096)}\n\n(there is more; only the first 4 KiB are shown)\n`));
});

t.test('reads chunks, and says when a body breaks off', async t => {
  const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n';
  t.match((await run((await receiver(t, `${chunked}0\r\n\r\n`)).port)).out, /\n\nhello\n$/);
  t.match((await run((await receiver(t, chunked)).port)).out, /hello\n\n\(the body did not come to its end\)\n$/);
});

const judged: readonly { name: string; answer: string; options?: ProbeOptions; exitCode: number; err: RegExp }[] = [
  { name: 'a redirect', answer: '302 Found', exitCode: 0, err: /^$/ },
  { name: 'not found', answer: '404 Not Found', exitCode: 0, err: /^$/ },
  { name: 'a bad request', answer: '400 Bad Request', exitCode: 0, err: /proxyProtocol off/ },
  { name: 'a bad gateway', answer: '502 Bad Gateway', exitCode: 1, err: /502.*`code`/ },
  { name: 'a healthy target', answer: '302 Found', options: { nlbHealth: true }, exitCode: 0, err: /^$/ },
  { name: 'an unhealthy target', answer: '404 Not Found', options: { nlbHealth: true }, exitCode: 1, err: /unhealthy/ },
  {
    name: 'no WebSocket',
    answer: '404 Not Found',
    options: { websocket: true },
    exitCode: 1,
    err: /no WebSocket.*404/,
  },
  {
    name: 'an unasked 101',
    answer: '101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade',
    exitCode: 0,
    err: /^$/,
  },
];

for (const { name, answer, options, exitCode, err } of judged) {
  t.test(`knows ${name}`, async t => {
    const far = await receiver(t, `HTTP/1.1 ${answer}\r\nConnection: close\r\n\r\n`);
    t.match(await run(far.port, options), { exitCode, err, out: new RegExp(`HTTP/1.1 ${answer.slice(0, 3)}`) });
  });
}

t.test('explains a connection that is closed without an answer', async t => {
  const port = await serverThat(t, socket => socket.once('data', () => socket.destroy()));
  t.match(await run(port), { exitCode: 1, err: /usher refused the header.*`code`/ });
  t.match(await run(port, { proxy: 'none' }), { exitCode: 1, err: /none was sent.*`code`/ });
  t.match(await run(port, { websocket: true }), { exitCode: 1, err: /usher refused the header/ });
  t.match(await run(port, { fragments: '1' }), { exitCode: 1, err: /usher refused the header/ });
  const polite = await serverThat(t, socket => socket.once('data', () => socket.end()).resume());
  t.match(await run(polite, { nlbHealth: true }), { exitCode: 1, err: /usher refused the header/ });
});

t.test('explains a server that says something else', async t => {
  const port = await serverThat(t, socket => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
  t.match(await run(port, { proxy: 'none' }), { exitCode: 1, err: /not HTTP/ });
});

t.test('one time holds for everything', async t => {
  const silent = await serverThat(t, socket => socket.resume());
  t.match(await run(silent, { timeout: '250ms' }), { exitCode: 1, err: /did not answer within 250 ms/ });
  t.match(await run(silent, { timeout: '250ms', websocket: true }), { exitCode: 1, err: /did not answer/ });
  const endless = await serverThat(t, socket => socket.resume().write('HTTP/1.1 200 OK\r\n\r\nbeginning'));
  t.match(await run(endless, { timeout: '300ms' }), { exitCode: 0, out: /beginning\n\n\(the body did not come/ });
});

t.test('exits with 69 where nothing listens', async t => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  t.match(await run(`:${port}`), { exitCode: 69, out: '', err: /nothing listens on 127\.0\.0\.1/ });
  const json = await run(port, { json: true });
  t.match(JSON.parse(json.out), { exitCode: 69, explanation: /nothing listens/, sent: null });
});

t.test('prints JSON for scripts', async t => {
  const far = await receiver(t);
  const { exitCode, out, err } = await run(far.port, { ...addresses, json: true });
  t.match({ exitCode, err }, { exitCode: 0, err: '' });
  t.match(JSON.parse(out), {
    target: `127.0.0.1:${far.port}`,
    exitCode: 0,
    explanation: null,
    connection: { dialled: `127.0.0.1:${far.port}`, connectMs: Number },
    sent: { hex: /^0d0a0d0a/, header: { version: 2, source: { address: '203.0.113.9' } } },
    answer: {
      status: 200,
      reason: 'OK',
      headers: [
        ['Content-Type', 'text/plain'],
        ['Content-Length', '5'],
      ],
      body: 'hello',
    },
    answeredMs: Number,
  });
});

t.test('says that usher would refuse the header, and sends it', async t => {
  const far = await receiver(t);
  const options = { proxy: 'v1', source: '224.0.0.1:1', destination: '10.0.0.1:1' };
  t.match((await run(far.port, options)).out, /sent {7}a PROXY header that usher refuses \(header-malformed\)/);
  t.match(far.bytes().toString('latin1'), /^PROXY TCP4 224\.0\.0\.1 10\.0\.0\.1 1 1\r\n/);
  t.match(JSON.parse((await run(far.port, { ...options, json: true })).out), {
    sent: { refusedWith: 'header-malformed' },
  });
});

t.test('names a client of IPv6 in front of a target of IPv4', async t => {
  const far = await receiver(t);
  await run(far.port, { source: '[2001:db8::9]:1' });
  const destination = { address: '127.0.0.1', port: far.port };
  t.match(decodeProxyHeader(far.bytes()), {
    header: { family: 'inet6', source: { address: '2001:db8::9' }, destination },
  });
});

/** An HTTP server behind a PROXY header; what the header named goes to `welcome`. */
async function behindHeader(t: Test, server: HttpServer): Promise<number> {
  const front = createServer(socket => {
    let bytes = Buffer.alloc(0);
    const read = (piece: Buffer): void => {
      bytes = Buffer.concat([bytes, piece]);
      const decoded = decodeProxyHeader(bytes);
      if (decoded.kind === 'header') {
        socket.off('data', read);
        socket.pause();
        socket.unshift(bytes.subarray(decoded.length));
        server.emit('connection', socket);
        socket.resume();
      }
    };
    socket.on('error', () => socket.destroy());
    socket.on('data', read);
  });
  return listen(t, front);
}

interface WebSocketRun {
  port: number;
  path: () => string | undefined;
}

async function webSocket(
  t: Test,
  talk: (client: import('ws').WebSocket) => void,
  protocol?: string,
): Promise<WebSocketRun> {
  let path: string | undefined;
  const server = createHttpServer();
  const sockets = new WebSocketServer({ server, ...(protocol && { handleProtocols: () => protocol }) });
  sockets.on('connection', (client, request) => {
    path = request.url;
    talk(client);
  });
  t.teardown(() => {
    for (const client of sockets.clients) {
      client.terminate();
    }
  });
  return { port: await behindHeader(t, server), path: () => path };
}

t.test('talks over a WebSocket until its message comes back', async t => {
  const far = await webSocket(t, client => {
    client.send('you are 203.0.113.9');
    client.send(Buffer.from([1, 2]));
    client.on('message', data => client.send(`203.0.113.9: ${data}`));
  });
  const { exitCode, out, err } = await run(far.port, { websocket: true, path: '/socket?a', message: 'hi \x1b there' });
  t.match({ exitCode, err }, { exitCode: 0, err: '' });
  t.equal(far.path(), '/socket?a');
  t.match(out, /\nupgraded {3}and sent hi \\x1b there\nreceived {3}you are 203\.0\.113\.9\nreceived {3}0x0102\n/);
  t.match(out, /\nreceived {3}203\.0\.113\.9: hi \\x1b there\n$/);
});

t.test('says what the WebSocket said, as JSON', async t => {
  const far = await webSocket(t, client => client.on('message', data => client.send(String(data))));
  const { exitCode, out } = await run(far.port, { websocket: true, json: true, proxy: 'v1', fragments: '10' });
  t.equal(exitCode, 0);
  t.match(JSON.parse(out), {
    websocket: { messages: ['hello from usher probe'], echoed: true },
    sent: { header: { version: 1 } },
  });
});

t.test('asks for the subprotocols of --header', async t => {
  const far = await webSocket(t, client => client.on('message', data => client.send(String(data))), 'chat.v2');
  const options = { websocket: true, header: ['Sec-WebSocket-Protocol: chat.v1, chat.v2', 'Cookie: a=b'] };
  t.match(await run(far.port, options), { exitCode: 0, err: '' });
  t.match(await run(far.port, { websocket: true, header: ['Sec-WebSocket-Protocol: a, a'] }), {
    exitCode: 1,
    err: /./,
  });
});

t.test('says when the message does not come back', async t => {
  const closing = await webSocket(t, client => client.close(1013, 'full'));
  t.match(await run(closing.port, { websocket: true }), { exitCode: 1, err: /closed with 1013/ });
  const deaf = await webSocket(t, client => client.send('welcome'));
  t.match(await run(deaf.port, { websocket: true, timeout: '500ms' }), {
    exitCode: 1,
    out: /received {3}welcome/,
    err: /nothing that holds the sent text came back within 500 ms/,
  });
  const flood = await webSocket(t, client => {
    for (let count = 0; count < 100; count++) {
      client.send('no');
    }
  });
  t.match(await run(flood.port, { websocket: true }), { exitCode: 1, err: /none of the first 64 messages/ });
});

t.test('says when the upgrade is not one', async t => {
  const answer =
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n';
  const far = await receiver(t, answer);
  t.match(await run(far.port, { websocket: true }), { exitCode: 1, err: /the upgrade failed: / });
});

const misused: readonly { name: string; target?: string; options?: ProbeOptions; err: RegExp }[] = [
  { name: 'no port', target: 'example.org', err: /HOST:PORT/ },
  { name: 'port 0', target: ':0', err: /HOST:PORT/ },
  { name: 'a port too large', target: '127.0.0.1:65536', err: /HOST:PORT/ },
  { name: 'IPv6 without brackets', target: '::1:8080', err: /\[IPv6\]:PORT/ },
  { name: 'brackets around a name', target: '[localhost]:8080', err: /\[IPv6\]:PORT/ },
  { name: 'a URL', target: 'http://127.0.0.1:80', err: /HOST:PORT/ },
  { name: 'an unknown version', options: { proxy: 'v3' }, err: /v1, v2, local or none/ },
  { name: 'a source that is a name', options: { source: 'localhost:1' }, err: /IP:PORT/ },
  { name: 'a source without a port', options: { source: '203.0.113.9' }, err: /IP:PORT/ },
  { name: 'a destination port too large', options: { destination: '10.0.0.1:70000' }, err: /IP:PORT/ },
  { name: 'two families', options: { source: '10.0.0.1:1', destination: '[::1]:1' }, err: /families/ },
  { name: 'TLVs in v1', options: { proxy: 'v1', tlv: ['alpn=h2'] }, err: /--tlv does not go with --proxy v1/ },
  { name: 'a checksum in v1', options: { proxy: 'v1', crc: false }, err: /--no-crc does not go/ },
  { name: 'a source with LOCAL', options: { proxy: 'local', source: '10.0.0.1:1' }, err: /--source does not go/ },
  { name: 'a source with none', options: { proxy: 'none', source: '10.0.0.1:1' }, err: /--source does not go/ },
  { name: 'health check and version', options: { nlbHealth: true, proxy: 'v2' }, err: /--proxy does not go/ },
  { name: 'health check and WebSocket', options: { nlbHealth: true, websocket: true }, err: /plain request/ },
  { name: 'a TLV without a value', options: { tlv: ['alpn'] }, err: /TYPE=VALUE/ },
  { name: 'a TLV of no type', options: { tlv: ['alpm=h2'] }, err: /alpm is not a type.*aws-vpce/ },
  { name: 'a TLV type too large', options: { tlv: ['0x100=a'] }, err: /not a type/ },
  { name: 'a TLV with half a byte', options: { tlv: ['e0=0xabc'] }, err: /pairs/ },
  { name: 'a checksum by hand', options: { tlv: ['3=0x00000000'] }, err: /--crc/ },
  { name: 'a link id that is none', options: { tlv: ['azure-link=4294967296'] }, err: /whole number/ },
  { name: 'more TLVs than fit', options: { tlv: [`e0=${'a'.repeat(65535)}`] }, err: /longer/ },
  { name: 'pieces of nothing', options: { fragments: '0' }, err: /--fragments/ },
  { name: 'a path without a slash', options: { path: 'x' }, err: /--path/ },
  { name: 'a path with a space', options: { path: '/a b' }, err: /--path/ },
  { name: 'a method of two words', options: { method: 'GET /' }, err: /--method/ },
  { name: 'CONNECT', options: { method: 'CONNECT' }, err: /--method/ },
  { name: 'POST for a WebSocket', options: { method: 'POST', websocket: true }, err: /begins with GET/ },
  { name: 'a header without a colon', options: { header: ['X'] }, err: /Name: value/ },
  { name: 'a header of two lines', options: { header: ['X: a\r\nY: b'] }, err: /control bytes/ },
  { name: 'a body', options: { header: ['content-length: 5'] }, err: /no body/ },
  { name: 'a host with an escape', options: { host: 'a\x1bb' }, err: /--host/ },
  { name: 'a message without WebSocket', options: { message: 'x' }, err: /--websocket/ },
  { name: 'a time without a unit', options: { timeout: '5' }, err: /5s/ },
  { name: 'a time too long', options: { timeout: '11m' }, err: /10m/ },
];

for (const { name, target = '127.0.0.1:9', options, err } of misused) {
  t.test(`exits with 64 for ${name}, and sends nothing`, async t => {
    const result = await run(target, options);
    t.match(result, { exitCode: 64, out: '', err });
    t.match(result.err, /^usher probe: [ -~]+\n$/, 'one printable line');
  });
}
