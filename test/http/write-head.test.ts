import t from 'tap';
import { CHUNKED, type Framing, NO_BODY, UNTIL_CLOSE } from '../../src/http/framing.js';
import { type RequestHead, scanRequestHead } from '../../src/http/request-head.js';
import { scanResponseHead } from '../../src/http/response-head.js';
import { ForwardedFields, type ResponseForm, trailerText } from '../../src/http/write-head.js';
import { keptBy } from '../support/heap.js';
import { bytesOf, CONTENT, charsLike } from './cuts.js';
import {
  interimHeadText,
  type ReadResponse,
  requestHeadText,
  responseHeadText,
  tunnelHeadText,
} from './written-heads.js';

const LIMITS = { startLineBytes: 1000, headBytes: 4000, headFields: 100 };
const CLIENT = { address: '203.0.113.9', port: 51234 };
const PLAIN = new ForwardedFields({ client: CLIENT, proto: 'https', port: 443, forwarded: false });
const OURS =
  'X-Forwarded-For: 203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n';

function requestOf(lines: readonly string[], line = 'GET / HTTP/1.1'): RequestHead {
  const scan = scanRequestHead(bytesOf(`${[line, ...lines].join('\r\n')}\r\n\r\n`), LIMITS);
  if (scan.kind !== 'head') throw new Error(JSON.stringify(scan));
  return scan.head;
}

function responseOf(lines: readonly string[], line = 'HTTP/1.1 200 OK'): ReadResponse {
  const bytes = bytesOf(`${[line, ...lines].join('\r\n')}\r\n\r\n`);
  const scan = scanResponseHead(bytes, LIMITS);
  if (scan.kind !== 'head') throw new Error(JSON.stringify(scan));
  return { head: scan.head, bytes };
}

/** The lines that a backend gets in front of usher's own fields, for a request of these lines behind `Host: a`. */
function sent(lines: readonly string[], line = 'GET / HTTP/1.1'): string[] {
  const text = requestHeadText(requestOf(['Host: a', ...lines], line), PLAIN, 'fallback');
  const tail = `${OURS}X-Forwarded-Host: a\r\n\r\n`;
  t.equal(text.slice(-tail.length), tail, 'ends in what usher says about the client');
  const [first, host, ...rest] = text.slice(0, -tail.length).split('\r\n').slice(0, -1);
  t.equal(`${first}|${host}`, `${line.replace('/1.0', '/1.1')}|Host: a`);
  return rest;
}

/** What usher adds to a response without one. */
const OUR_DATE = /^Date: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/;

/** The lines that a client gets for a response of these lines. */
function passed(lines: readonly string[], form: Partial<ResponseForm> = {}, line = 'HTTP/1.1 200 OK'): string[] {
  const text = responseHeadText(responseOf(lines, line), {
    framing: NO_BODY,
    connection: undefined,
    cookie: '',
    ...form,
  });
  t.ok(text.endsWith('\r\n\r\n'));
  return text
    .slice(0, -4)
    .split('\r\n')
    .filter(line => !OUR_DATE.test(line));
}

t.test('order, case and repeats stay, and so do bytes above 0x7f', async t => {
  const lines = ['B: 1', 'a: 2', 'COOKIE: x=\xe9\xff', 'b: 3', 'Empty: ', 'a: 2', `Any: x${charsLike(CONTENT)}x`];
  t.strictSame(sent(lines), lines);
});

t.test('fields of one hop go (RFC 9110 7.6.1)', async t => {
  const hop = [
    ...['Connection: close', 'Keep-Alive: timeout=5', 'Proxy-Connection: keep-alive', 'TE: trailers', 'Upgrade: h2c'],
    ...['HTTP2-Settings: x', 'Proxy-Authorization: Basic x', 'proxy-authenticate: Basic'],
  ];
  for (const line of hop) {
    t.strictSame(sent([line]), [], line);
    t.strictSame(sent(['A: b', line.toUpperCase(), 'C: d']), ['A: b', 'C: d'], line.toUpperCase());
  }
});

t.test('Connection takes along what it names, save what the engine knows and what usher says', async t => {
  t.strictSame(sent(['Connection: Foo, close', 'fOO: 1', 'Foo-Bar: 2', 'FOO: 3']), ['Foo-Bar: 2']);
  t.strictSame(sent(['A: 1', 'connection: a', 'Connection: b', 'B: 2', 'C: 3']), ['C: 3']);
  const known = [
    'Connection: Host, Content-Length, Transfer-Encoding, Expect, Date, X-Forwarded-For, X-Real-IP, Forwarded',
    'Content-Length: 5',
    'Expect: 100-continue',
    'Date: today',
  ];
  t.strictSame(sent(known), known.slice(1));
  for (const name of ['close', 'keep-alive', 'upgrade']) t.strictSame(sent([`Connection: ${name}`, 'A: b']), ['A: b']);
});

t.test('what a client says about itself goes, in any case and spelling', async t => {
  const forged = [
    ...['X-Forwarded-For', 'x-forwarded-for', 'X_Forwarded_For', 'X-FORWARDED-PROTO', 'X-Forwarded-Host', 'X-Real-IP'],
    ...[
      'x_real_ip',
      'Forwarded',
      'FORWARDED',
      'X-Forwarded-Server',
      'X-Forwarded',
      'X.Forwarded.For',
      'X-Forwarded_By',
    ],
  ];
  const lines = forged.flatMap(name => [`${name}: 1.1.1.1`, `${name}: 2.2.2.2`]);
  t.strictSame(sent(lines), []);
  t.strictSame(sent(['A: b', ...lines, 'X-Forwarding: stays']), ['A: b', 'X-Forwarding: stays']);
});

t.test('names that CGI would fold into framing or hop-by-hop fields go (RFC 3875 4.1.18)', async t => {
  for (const name of ['Content_Length', 'TRANSFER_ENCODING', 'Transfer.Encoding', 'Keep_Alive', 'Proxy_Connection']) {
    t.strictSame(sent([`${name}: chunked`, 'X_Request_Id: 7']), ['X_Request_Id: 7'], name);
  }
});

t.test('framing is written afresh', async t => {
  t.strictSame(sent(['Content-Length: 0005', 'A: b'], 'POST / HTTP/1.1'), ['Content-Length: 5', 'A: b'], 'no octal');
  t.strictSame(sent(['content-length: 00']), ['content-length: 0']);
  t.strictSame(sent(['transfer-encoding: CHUNKED', 'A: b']), ['A: b', 'Transfer-Encoding: chunked']);
  t.strictSame(sent(['Trailer: x', 'Transfer-Encoding: chunked']), ['Trailer: x', 'Transfer-Encoding: chunked']);
  t.strictSame(sent(['Trailer: x', 'Content-Length: 1']), ['Content-Length: 1'], 'no trailers without chunks');
});

t.test('an expectation goes on, but not from HTTP/1.0 (RFC 9110 10.1.1)', async t => {
  t.strictSame(sent(['Expect: 100-continue', 'Content-Length: 1']), ['Expect: 100-continue', 'Content-Length: 1']);
  t.strictSame(sent(['Expect: 100-continue', 'Content-Length: 1'], 'GET / HTTP/1.0'), ['Content-Length: 1']);
});

t.test('an upgrade is asked for in our own words, and only for a WebSocket', async t => {
  const key = ['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Protocol: x'];
  const asked = ['Connection: Upgrade', 'Upgrade: websocket'];
  t.strictSame(sent(['Connection: keep-alive, UPGRADE', 'upgrade: h2c, WebSocket', ...key]), [...key, ...asked]);
  t.strictSame(sent(['Upgrade: websocket', ...key]), key, 'Connection does not name it');
  t.strictSame(sent(['Connection: Upgrade', 'Upgrade: h2c', ...key]), key, 'h2c');
});

t.test('the authority of an absolute form takes the place of Host (RFC 9112 3.2.2)', async t => {
  const head = requestOf(['A: b', 'hOST: evil', 'C: d'], 'GET http://b:81/x HTTP/1.1');
  const text = requestHeadText(head, PLAIN, 'fallback');
  t.equal(text, `GET /x HTTP/1.1\r\nA: b\r\nhOST: b:81\r\nC: d\r\n${OURS}X-Forwarded-Host: b:81\r\n\r\n`);
});

t.test('HTTP/1.0 without Host gets the endpoint as Host, or the authority of its absolute form', async t => {
  const bare = requestHeadText(requestOf(['A: b'], 'GET / HTTP/1.0'), PLAIN, '127.0.0.1:3000');
  t.equal(bare, `GET / HTTP/1.1\r\nHost: 127.0.0.1:3000\r\nA: b\r\n${OURS}\r\n`);
  const absolute = requestHeadText(requestOf([], 'GET http://b/x HTTP/1.0'), PLAIN, '127.0.0.1:3000');
  t.equal(absolute, `GET /x HTTP/1.1\r\nHost: b\r\n${OURS}X-Forwarded-Host: b\r\n\r\n`);
  const both = requestHeadText(requestOf(['Host: a'], 'GET http://b/x HTTP/1.0'), PLAIN, '127.0.0.1:3000');
  t.equal(both, `GET /x HTTP/1.1\r\nHost: b\r\n${OURS}X-Forwarded-Host: b\r\n\r\n`);
});

t.test('Forwarded quotes its node and its host (RFC 7239 4 and 6)', async t => {
  const fields = (address: string) =>
    new ForwardedFields({ client: { address, port: 51234 }, proto: 'http', port: 80, forwarded: true });
  t.equal(
    fields('2001:db8::9').text('[::1]:8080'),
    'X-Forwarded-For: 2001:db8::9\r\nX-Real-IP: 2001:db8::9\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 80\r\n' +
      'X-Forwarded-Host: [::1]:8080\r\nForwarded: for="[2001:db8::9]:51234";proto=http;host="[::1]:8080"\r\n\r\n',
  );
  t.match(fields('192.0.2.1').text(undefined), /\r\nForwarded: for="192\.0\.2\.1:51234";proto=http\r\n\r\n$/);
  t.notMatch(fields('192.0.2.1').text(undefined), /X-Forwarded-Host/);
});

t.test('what usher writes, usher reads as the same request', async t => {
  const lines = ['Host: a', 'A: \xe9', 'Connection: x', 'X: 1', 'Transfer-Encoding: chunked', 'Content_Length: 3'];
  const first = requestOf(lines, 'POST /x?y HTTP/1.1');
  const text = requestHeadText(first, PLAIN, 'fallback');
  const again = scanRequestHead(bytesOf(text), LIMITS);
  t.match(again, {
    kind: 'head',
    length: text.length,
    head: { method: 'POST', target: '/x?y', host: 'a', framing: CHUNKED },
  });
});

t.test('Max-Forwards counts down for OPTIONS and TRACE, and is nothing to others (RFC 9110 7.6.2)', async t => {
  t.strictSame(sent(['Max-Forwards: 5', 'max-forwards: x'], 'OPTIONS /x HTTP/1.1'), [
    'Max-Forwards: 4',
    'max-forwards: 4',
  ]);
  t.strictSame(sent(['Max-Forwards: x'], 'OPTIONS /x HTTP/1.1'), ['Max-Forwards: x']);
  t.strictSame(sent(['Max-Forwards: 5']), ['Max-Forwards: 5']);
});

t.test('a response keeps its fields and loses those of one hop', async t => {
  const lines = ['Set-Cookie: a=\xff', 'X-Forwarded-For: kept', 'set-cookie: b', 'Date: today', 'Via: 1.1 x'];
  t.strictSame(passed(lines), ['HTTP/1.1 200 OK', ...lines]);
  const hop = [
    'Connection: close, foo',
    'Keep-Alive: timeout=5',
    'Upgrade: h2c',
    'Foo: 1',
    'Proxy-Connection: close',
    'TE: x',
  ];
  t.strictSame(passed([...hop, 'A: b']), ['HTTP/1.1 200 OK', 'A: b']);
  t.strictSame(passed(['Connection: Content-Length', 'Content-Length: 5']), ['HTTP/1.1 200 OK', 'Content-Length: 5']);
  t.strictSame(
    passed(['Proxy-Authenticate: Basic']),
    ['HTTP/1.1 200 OK', 'Proxy-Authenticate: Basic'],
    'RFC 9110 11.7.1',
  );
});

t.test('the status line is ours: version 1.1, one space, the reason as it came', async t => {
  t.strictSame(passed([], {}, 'HTTP/1.0 404 Nicht da\xdf'), ['HTTP/1.1 404 Nicht da\xdf']);
  t.strictSame(passed([], {}, 'HTTP/1.1 999'), ['HTTP/1.1 999 ']);
});

t.test('426 names what to upgrade to (RFC 9110 15.5.22)', async t => {
  const lines = ['Upgrade: websocket, x', 'Connection: upgrade'];
  const line = 'HTTP/1.1 426 Upgrade Required';
  t.strictSame(passed(lines, {}, line), [line, 'Upgrade: websocket, x', 'Connection: Upgrade']);
  const last = passed(lines, { connection: 'close' }, line);
  t.strictSame(last, [line, 'Upgrade: websocket, x', 'Connection: close, Upgrade']);
});

t.test('a response is framed for the client', async t => {
  const chunks = 'Transfer-Encoding: chunked';
  const five: Framing = { kind: 'length', length: 5 };
  t.strictSame(passed([chunks, 'Trailer: x'], { framing: CHUNKED }), ['HTTP/1.1 200 OK', 'Trailer: x', chunks]);
  t.strictSame(passed([chunks, 'Trailer: x'], { framing: UNTIL_CLOSE, connection: 'close' }), [
    'HTTP/1.1 200 OK',
    'Connection: close',
  ]);
  t.strictSame(passed(['Content-Length: 005'], { framing: five, connection: 'keep-alive' }), [
    'HTTP/1.1 200 OK',
    'Content-Length: 5',
    'Connection: keep-alive',
  ]);
  t.strictSame(passed([chunks]), ['HTTP/1.1 200 OK'], 'to HEAD');
});

t.test('1xx and 204 have no length, 304 and the answer to HEAD keep theirs (RFC 9110 8.6)', async t => {
  t.strictSame(passed(['Content-Length: 5'], {}, 'HTTP/1.1 204 No'), ['HTTP/1.1 204 No']);
  t.strictSame(passed(['Transfer-Encoding: chunked'], {}, 'HTTP/1.1 204 No'), ['HTTP/1.1 204 No']);
  t.strictSame(passed(['Content-Length: 5'], {}, 'HTTP/1.1 304 No'), ['HTTP/1.1 304 No', 'Content-Length: 5']);
  t.strictSame(passed(['Content-Length: 5']), ['HTTP/1.1 200 OK', 'Content-Length: 5']);
  t.equal(
    interimHeadText(responseOf(['Content-Length: 5', 'Link: </a>'], 'HTTP/1.1 103 Early')),
    'HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n',
  );
});

t.test('101 is written in our own words (RFC 9110 15.2.2)', async t => {
  const lines = [
    'Connection: upgrade, x',
    'Upgrade: WebSocket',
    'X: y',
    'Sec-WebSocket-Accept: z',
    'Content-Length: 5',
  ];
  t.equal(
    tunnelHeadText(responseOf(lines, 'HTTP/1.1 101 Switching'), ''),
    'HTTP/1.1 101 Switching\r\nSec-WebSocket-Accept: z\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  );
  t.equal(interimHeadText(responseOf([], 'HTTP/1.1 100 Continue')), 'HTTP/1.1 100 Continue\r\n\r\n');
});

t.test('the 2xx that answers CONNECT has no length and no coding (RFC 9110 9.3.6)', async t => {
  const head = responseOf(['Content-Length: 5', 'X: y'], 'HTTP/1.1 200 Connected');
  t.match(
    tunnelHeadText(head, 'Set-Cookie: a=b\r\n'),
    /^HTTP\/1\.1 200 Connected\r\nX: y\r\nDate: .* GMT\r\nSet-Cookie: a=b\r\n\r\n$/,
  );
});

t.test('426 keeps the protocols that it asks for (RFC 9110 15.5.22)', async t => {
  const head = responseOf(
    ['Date: x', 'Upgrade: foo/2, websocket', 'Connection: upgrade'],
    'HTTP/1.1 426 Upgrade Required',
  );
  t.equal(
    responseHeadText(head, { framing: { kind: 'none' }, connection: 'close', cookie: 'Set-Cookie: a=b\r\n' }),
    'HTTP/1.1 426 Upgrade Required\r\nDate: x\r\nSet-Cookie: a=b\r\nUpgrade: foo/2, websocket\r\nConnection: close, Upgrade\r\n\r\n',
  );
});

t.test('a final response without Date gets one, and another one keeps its own (RFC 9110 6.6.1)', async t => {
  const textOf = (lines: readonly string[], line?: string) =>
    responseHeadText(responseOf(lines, line), { framing: NO_BODY, connection: 'close', cookie: '' });
  const dates = (text: string) => text.split('\r\n').filter(line => /^date:/i.test(line));
  for (const line of ['HTTP/1.1 200 OK', 'HTTP/1.0 200 OK', 'HTTP/1.1 304 Not Modified', 'HTTP/1.1 500 Oh']) {
    const found = dates(textOf(['A: b', 'C: d'], line));
    t.equal(found.length, 1, line);
    t.match(found[0], OUR_DATE, line);
    const [, text = ''] = found[0]?.split(': ') ?? [];
    t.ok(Math.abs(Date.parse(text) - Date.now()) < 60_000, 'it is now');
    for (const own of ['Date: today', 'DATE: Sun, 06 Nov 1994 08:49:37 GMT', 'date:']) {
      t.strictSame(dates(textOf(['Connection: date', own, 'A: b'], line)), [own === 'date:' ? 'date: ' : own], line);
    }
  }
  t.strictSame(dates(interimHeadText(responseOf([], 'HTTP/1.1 103 Early'))), []);
  t.strictSame(dates(tunnelHeadText(responseOf([], 'HTTP/1.1 101 Switching'), '')), []);
});

t.test('Connection takes its names out of a trailer section, too (RFC 9110 7.6.1)', async t => {
  const trailers = ['X-Sum', '6', 'X-Hop', '1', 'Date', 'today'];
  t.equal(trailerText([], ['x-hop']), '');
  t.equal(trailerText(trailers, []), 'X-Sum: 6\r\nX-Hop: 1\r\nDate: today\r\n');
  t.equal(trailerText(trailers, ['close', 'x-hop']), 'X-Sum: 6\r\nDate: today\r\n');
  t.equal(trailerText(trailers, ['x-hop', 'date', 'x-sum']), '');
});

t.test('what is kept of a host for the next request is not the head that it came in', async t => {
  const fields = [`Host: ${'long.'.repeat(5)}example`, `Cookie: ${'c'.repeat(3_000)}`];
  const each = await keptBy(3_000, () => {
    const own = new ForwardedFields({ client: CLIENT, proto: 'https', port: 443, forwarded: true });
    for (let i = 0; i < 3; i += 1) requestHeadText(requestOf(fields), own, 'fallback');
    return own;
  });
  t.ok(each < 2_000, `${each} bytes each`);
});
