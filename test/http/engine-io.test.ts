import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { Server } from 'socket.io';
import t, { type Test } from 'tap';
import { isSid, type OpenedSession, SidSniffer, sessionLostText } from '../../src/http/engine-io.js';

const SID = 'lv_VI97HAXpY6yYWAAAC';
const OPEN = `0{"sid":"${SID}","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`;
const LEARNT: OpenedSession = { sid: SID, aliveMs: 45_000 };

function sniff(pieces: readonly Buffer[]): { readonly learnt: readonly OpenedSession[]; readonly done: boolean } {
  const sniffer = new SidSniffer();
  const learnt = pieces.flatMap(piece => sniffer.feed(piece) ?? []);
  return { learnt, done: sniffer.done };
}

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const learntFrom = (text: string) => sniff([latin1(text)]).learnt[0];
const openWith = (fields: object) => `0${JSON.stringify({ sid: SID, pingInterval: 1, pingTimeout: 1, ...fields })}`;

const handshakes: readonly { readonly name: string; readonly text: string }[] = [
  { name: 'revision 4', text: OPEN },
  { name: 'revision 4 with a first message', text: `${OPEN}\x1e40` },
  { name: 'revision 3', text: `${OPEN.length}:${OPEN}` },
  { name: 'revision 3 with a first message', text: `${OPEN.length}:${OPEN}2:40` },
  { name: 'revision 3 in binary', text: `\0\x01\x02\x03\xff${OPEN}\0\x02\xff40` },
  { name: 'JSONP of revision 4', text: `___eio[0](${JSON.stringify(OPEN)});` },
  { name: 'JSONP of revision 3', text: `___eio[12](${JSON.stringify(`${OPEN.length}:${OPEN}2:40`)});` },
  { name: 'JSONP without an index', text: `___eio[](${JSON.stringify(OPEN)});` },
  { name: 'another order, with blanks', text: `0{ "pingTimeout": 20000, "pingInterval": 25000, "sid": "${SID}" }` },
];

t.test('every form of a handshake is read, however it is cut', async t => {
  for (const { name, text } of handshakes) {
    const bytes = latin1(text);
    t.strictSame(sniff([bytes]), { learnt: [LEARNT], done: true }, name);
    const single = Array.from(bytes, byte => Buffer.from([byte]));
    t.strictSame(sniff(single), { learnt: [LEARNT], done: true }, `${name}, byte by byte`);
    for (let at = 0; at <= bytes.length; at += 1) {
      const { learnt } = sniff([bytes.subarray(0, at), bytes.subarray(at)]);
      if (learnt.length !== 1 || learnt[0]?.sid !== SID) t.fail(`${name}, cut at ${at}`);
    }
  }
});

t.test('the session is known with the piece that completes it', async t => {
  const sniffer = new SidSniffer();
  t.equal(sniffer.feed(latin1(OPEN.slice(0, -1))), undefined);
  t.equal(sniffer.done, false);
  t.strictSame(sniffer.feed(latin1('}')), LEARNT);
  t.equal(sniffer.done, true);
  t.equal(sniffer.feed(latin1(OPEN)), undefined, 'and only once');
});

t.test('pieces are borrowed', async t => {
  const sniffer = new SidSniffer();
  const piece = latin1(OPEN.slice(0, 50));
  sniffer.feed(piece);
  piece.fill('x');
  t.strictSame(sniffer.feed(latin1(OPEN.slice(50))), LEARNT);
});

t.test('what is no handshake teaches nothing, and is over with its first byte where that tells', async t => {
  const over = [
    '<html>',
    '/*! Socket.IO */',
    '{"code":1}',
    '\x1f\x8b\x08',
    ' 0{}',
    OPEN.slice(1),
    'ok',
    '\xff',
    'b4AA',
  ];
  for (const text of over) t.strictSame(sniff([latin1(text)]), { learnt: [], done: true }, text);
  const open = ['', '0', '1', '4hello', '12:', '2:40', '97', '\0\x09', '\0\x09\xff4', '_', '___eio[0]("'];
  for (const text of open) t.strictSame(sniff([latin1(text)]), { learnt: [], done: false }, text);
});

t.test('a handshake that is not as it should be teaches nothing', async t => {
  const texts = [
    '0{}',
    '0{"sid"}',
    `0{"sid":"${SID}"}`,
    openWith({ sid: undefined }),
    openWith({ sid: 7 }),
    openWith({ sid: '' }),
    openWith({ sid: 'a.b' }),
    openWith({ sid: 'a/b' }),
    openWith({ sid: '\u00e9' }),
    openWith({ sid: 'a'.repeat(65) }),
    openWith({ pingInterval: '1' }),
    openWith({ pingTimeout: null }),
    openWith({ more: {} }),
    `00{"sid":"${SID}"}`,
    `1${OPEN.slice(1)}`,
    `12345:${OPEN}`,
    `:${OPEN}`,
    `\0\x01\x02\x03${OPEN}`,
    `___eio[x](${JSON.stringify(OPEN)});`,
    `___eio[0]("\\x");${OPEN}`,
    `___eio[0](7);`,
    `___eio(${JSON.stringify(OPEN)});`,
  ];
  for (const text of texts) t.equal(learntFrom(text), undefined, text);
});

t.test('no more than a KiB is looked at', async t => {
  const blanks = (count: number) => `0{${' '.repeat(count)}${OPEN.slice(2)}`;
  const fits = 1024 - OPEN.length;
  t.strictSame(sniff([latin1(blanks(fits))]), { learnt: [LEARNT], done: true });
  t.strictSame(sniff([latin1(blanks(fits + 1))]), { learnt: [], done: true });
  t.strictSame(sniff([latin1(`0${'x'.repeat(1022)}`)]), { learnt: [], done: false });
  t.strictSame(sniff([latin1(`0${'x'.repeat(1022)}`), latin1(OPEN)]), { learnt: [], done: true });
});

t.test('a session lives for its own ping times, within bounds', async t => {
  const cases: readonly (readonly [pingInterval: number, pingTimeout: number, aliveMs: number])[] = [
    [25_000, 20_000, 45_000],
    [3_000, 2_001, 5_001],
    [50, 100, 5_000],
    [-1, -1, 5_000],
    [3_600_000, 3_600_000, 600_000],
    [1e300, 1e300, 600_000],
  ];
  for (const [pingInterval, pingTimeout, aliveMs] of cases) {
    t.strictSame(learntFrom(openWith({ pingInterval, pingTimeout })), { sid: SID, aliveMs });
  }
  t.equal(learntFrom(`0{"sid":"${SID}","pingInterval":1e999,"pingTimeout":0}`)?.aliveMs, 600_000);
});

t.test('a sid is a short token', async t => {
  for (const sid of [SID, 'a', '-_', '0b5e4b1c-4f5e-4c9f-8a3b-0f2d8c1e7a55', 'a'.repeat(64)]) t.equal(isSid(sid), true);
  for (const sid of ['', 'a b', 'a%', 'a\n', '\u00e9', 'a'.repeat(65)]) t.equal(isSid(sid), false);
});

const runs = { seed: 20_261_123, numRuns: 5_000 };
const soup = fc.string({
  unit: fc.constantFrom(
    '0',
    '1',
    ':',
    '{',
    '}',
    '"',
    '\\',
    '(',
    ')',
    '___eio[',
    ']',
    '\0',
    '\xff',
    '"sid":"a"',
    ',',
    'x',
  ),
});
const anyPieces = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
    soup.map(latin1),
  ),
);

t.test('no bytes make it throw or learn something malformed', async () => {
  fc.assert(
    fc.property(anyPieces, pieces => {
      const { learnt } = sniff(pieces);
      return (
        learnt.length <= 1 && learnt.every(({ sid, aliveMs }) => isSid(sid) && aliveMs >= 5_000 && aliveMs <= 600_000)
      );
    }),
    runs,
  );
});

t.test('it learns the same from any cut of any bytes', async () => {
  const begun = fc
    .tuple(fc.constantFrom('', '0{', '97:0{', '___eio[0]("0{', '\0\x09\xff0{'), soup)
    .map(([head, rest]) => latin1(head + rest));
  fc.assert(
    fc.property(
      fc.oneof(
        begun,
        fc.constantFrom(...handshakes).map(({ text }) => latin1(text)),
      ),
      fc.nat(200),
      (bytes, at) => {
        const whole = sniff([bytes]).learnt[0]?.sid;
        return sniff([bytes.subarray(0, at), bytes.subarray(at)]).learnt[0]?.sid === whole;
      },
    ),
    runs,
  );
});

t.test('the answer to a lost session is what Engine.IO says', async t => {
  const withoutDate = (text: string) => text.replace(/Date: [^\r]*\r\n/, '');
  t.equal(
    withoutDate(sessionLostText('https://chat.example:8443', false, false)),
    'HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 41\r\nCache-Control: no-store\r\n' +
      'Access-Control-Allow-Origin: https://chat.example:8443\r\nAccess-Control-Allow-Credentials: true\r\n' +
      'Connection: keep-alive\r\n\r\n{"code":1,"message":"Session ID unknown"}',
  );
  t.equal(
    withoutDate(sessionLostText(undefined, true, true)),
    'HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nContent-Length: 41\r\nCache-Control: no-store\r\n' +
      'Connection: close\r\n\r\n',
  );
  t.match(sessionLostText(undefined, true, true), /\r\nDate: .* GMT\r\n/);
});

t.test('only an origin is repeated to the client', async t => {
  const allows = (origin: string) => sessionLostText(origin, true, false).includes('Access-Control');
  for (const origin of [
    'null',
    'http://a',
    'https://[2001:db8::1]:8443',
    'capacitor://localhost',
    'chrome-extension://ab',
  ])
    t.equal(allows(origin), true, origin);
  const others = [
    '',
    '*',
    'a',
    'http://',
    'http://a/',
    'http://a b',
    'http://a\r\nX: y',
    'HTTP://a',
    'http://a, http://b',
  ];
  for (const origin of others) t.equal(allows(origin), false, origin);
  t.equal(allows(`http://${'a'.repeat(256)}`), false);
});

/**
 * A real server that also speaks revision 3.
 * @param initialPacket what it sends first in every session
 * @returns its base address
 */
async function startServer(t: Test, initialPacket?: Buffer): Promise<string> {
  const server = http.createServer();
  const io = new Server(server, { allowEIO3: true, serveClient: false, pingInterval: 7_000, pingTimeout: 2_000 });
  Object.assign(io.engine.opts, { initialPacket });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    const closed = io.close();
    server.closeAllConnections();
    await closed;
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/socket.io/`;
}

async function get(address: string): Promise<{ readonly response: Response; readonly bytes: Buffer }> {
  const response = await fetch(address);
  return { response, bytes: Buffer.from(await response.arrayBuffer()) };
}

/** Type 1, `close`: the server forgets the session at once, and the test leaves no timer behind. */
function closePacket(query: string): string {
  const packet = query.includes('EIO=3') ? '1:1' : '1';
  return query.includes('&j=') ? `d=${packet}` : packet;
}

/** What the server sends in clear is read, and the server knows a request with the sid that was learnt. */
async function checkHandshake(t: Test, base: string, query: string, begins: string): Promise<void> {
  const { response, bytes } = await get(`${base}?transport=polling&${query}`);
  t.equal(response.status, 200, query);
  t.equal(response.headers.get('content-encoding'), null);
  t.ok(bytes.toString('latin1').startsWith(begins), `${query} begins with ${JSON.stringify(begins)}`);
  const [session] = sniff([bytes]).learnt;
  t.equal(session?.aliveMs, 9_000);
  const request = { method: 'POST', body: closePacket(query) };
  const posted = await fetch(`${base}?transport=polling&${query}&sid=${session?.sid}`, request);
  t.equal(posted.status, 200, 'the server knows the sid');
  await posted.arrayBuffer();
}

t.test('handshakes of the real server are read', async t => {
  const base = await startServer(t);
  await checkHandshake(t, base, 'EIO=4', '0{');
  await checkHandshake(t, base, 'EIO=4&j=3', '___eio[3]("0{');
  await checkHandshake(t, base, 'EIO=3', '');
  await checkHandshake(t, base, 'EIO=3&b64=1', '');
  await checkHandshake(t, base, 'EIO=3&j=0', '___eio[0]("');
});

t.test('handshakes of the real server with a binary first message are read', async t => {
  const base = await startServer(t, Buffer.from([1, 2, 3]));
  await checkHandshake(t, base, 'EIO=3', '\0');
  await checkHandshake(t, base, 'EIO=3&b64=1', '');
  await checkHandshake(t, base, 'EIO=4', '0{');
});

t.test('the real server answers a sid that it does not know as usher does', async t => {
  const base = await startServer(t);
  const { response, bytes } = await get(`${base}?EIO=4&transport=polling&sid=nobody`);
  const [head = '', body] = sessionLostText(undefined, true, false).split('\r\n\r\n');
  t.equal(`HTTP/1.1 ${response.status} ${response.statusText}`, head.split('\r\n')[0]);
  t.equal(bytes.toString(), body);
  t.ok(head.includes(`Content-Type: ${response.headers.get('content-type')}`));
});
