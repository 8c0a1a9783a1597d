import t from 'tap';
import type { Code } from '../../src/codes.js';
import { addListNames, isReservedName, kindOf, knownField } from '../../src/http/field-names.js';
import { CHUNKED, NO_BODY } from '../../src/http/framing.js';
import { type RequestHead, scanRequestHead } from '../../src/http/request-head.js';
import { acceptedBytes, bytesOf, CONTENT, charsLike, faultsAtCuts, TCHAR } from './cuts.js';

const LIMITS = { startLineBytes: 100, headBytes: 400, headFields: 8 };
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

const scan = (bytes: Buffer) => scanRequestHead(bytes, LIMITS);
const scanText = (text: string) => scan(bytesOf(text));
const accepts = (bytes: Buffer) => scan(bytes).kind === 'head';

/** A head whose fields can be compared: names and values in turn, and their kinds. */
type PlainHead = Omit<RequestHead, 'fields'> & {
  readonly fields: readonly string[];
  readonly kinds: readonly unknown[];
};

function plain({ fields, ...head }: RequestHead): PlainHead {
  return { ...head, fields: fields.list(), kinds: fields.kinds };
}

/** A head with these fields; what a test doesn't name is as in `GET / HTTP/1.1`, `Host: a`. */
function head(changes: Partial<PlainHead> = {}): PlainHead {
  const fields = changes.fields ?? ['Host', 'a'];
  return {
    method: 'GET',
    target: '/',
    minor: 1,
    fields,
    canonicalLine: true,
    kinds: fields
      .filter((_, index) => index % 2 === 0)
      .map(name => kindOf(Buffer.from(name, 'latin1'), 0, name.length)),
    host: 'a',
    framing: NO_BODY,
    persistent: true,
    connectionNames: [],
    upgrade: false,
    expectsContinue: false,
    maxForwards: undefined,
    ...changes,
  };
}

interface Good {
  readonly name: string;
  readonly text: string;
  readonly expect: PlainHead;
}

const good: readonly Good[] = [
  { name: 'the least', text: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', expect: head() },
  { name: 'an empty line in front (RFC 9112 2.2)', text: '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n', expect: head() },
  {
    name: 'HTTP/1.0 without Host',
    text: 'GET / HTTP/1.0\r\n\r\n',
    expect: head({ minor: 0, fields: [], host: undefined, persistent: false }),
  },
  {
    name: 'HTTP/1.0 that keeps its connection',
    text: 'GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n',
    expect: head({
      minor: 0,
      fields: ['Connection', 'Keep-Alive'],
      host: undefined,
      connectionNames: ['keep-alive'],
    }),
  },
  {
    name: 'a method of our own and a long target',
    text: 'X-A!b /a//b/../c?d="^`{|}&%00;e=[1]@:// HTTP/1.1\r\nHost: a:80\r\n\r\n',
    expect: head({
      method: 'X-A!b',
      target: '/a//b/../c?d="^`{|}&%00;e=[1]@://',
      host: 'a:80',
      fields: ['Host', 'a:80'],
    }),
  },
  {
    name: 'an absolute form (RFC 9112 3.2.2)',
    text: 'GET http://b:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n',
    expect: head({ target: '/x?y', host: 'b:81' }),
  },
  {
    name: 'an absolute form without a path',
    text: 'GET HTTPS://b HTTP/1.1\r\nHost: a\r\n\r\n',
    expect: head({ target: '/', host: 'b' }),
  },
  {
    name: 'an absolute form with a query alone',
    text: 'GET http://[::1]:8?x=http://c HTTP/1.1\r\nHost: a\r\n\r\n',
    expect: head({ target: '/?x=http://c', host: '[::1]:8' }),
  },
  {
    name: 'an absolute form in HTTP/1.0',
    text: 'GET http://b/ HTTP/1.0\r\n\r\n',
    expect: head({ minor: 0, fields: [], host: 'b', persistent: false }),
  },
  {
    name: 'OPTIONS * (RFC 9112 3.2.4)',
    text: 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
    expect: head({ method: 'OPTIONS', target: '*' }),
  },
  {
    name: 'the absolute form of OPTIONS *',
    text: 'OPTIONS http://b:1 HTTP/1.1\r\nHost: a\r\n\r\n',
    expect: head({ method: 'OPTIONS', target: '*', host: 'b:1' }),
  },
  {
    name: 'OPTIONS of a path that ends like its authority is not OPTIONS *',
    text: 'OPTIONS http://b/x/b HTTP/1.1\r\nHost: a\r\n\r\n',
    expect: head({ method: 'OPTIONS', target: '/x/b', host: 'b' }),
  },
  {
    name: 'OPTIONS of / in absolute form',
    text: 'OPTIONS http://b/ HTTP/1.1\r\nHost: a\r\n\r\n',
    expect: head({ method: 'OPTIONS', target: '/', host: 'b' }),
  },
  {
    name: 'white space around values, none inside is touched, bytes above 0x7f stay (RFC 9110 5.5)',
    text: 'GET / HTTP/1.1\r\nhOsT:a\r\nA: \t x \ty\xe9\xff\x80 \t \r\nB:\r\nC: \t\r\na:2\r\n\r\n',
    expect: head({ fields: ['hOsT', 'a', 'A', 'x \ty\xe9\xff\x80', 'B', '', 'C', '', 'a', '2'] }),
  },
  {
    name: 'a length',
    text: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n',
    expect: head({
      method: 'POST',
      fields: ['Host', 'a', 'Content-Length', '12'],
      framing: { kind: 'length', length: 12 },
    }),
  },
  {
    name: 'chunks',
    text: 'POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: \tChunked \r\n\r\n',
    expect: head({ method: 'POST', fields: ['Host', 'a', 'transfer-encoding', 'Chunked'], framing: CHUNKED }),
  },
  {
    name: 'Connection with several names in several fields',
    text: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: , Foo,,bar ,\r\nconnection: CLOSE\t,\tkeep-alive\r\n\r\n',
    expect: head({
      fields: ['Host', 'a', 'Connection', ', Foo,,bar ,', 'connection', 'CLOSE\t,\tkeep-alive'],
      connectionNames: ['foo', 'bar', 'close', 'keep-alive'],
      persistent: false,
    }),
  },
  {
    name: 'an expectation (RFC 9110 10.1.1)',
    text: 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n',
    expect: head({
      method: 'POST',
      fields: ['Host', 'a', 'Expect', '100-Continue', 'Content-Length', '1'],
      framing: { kind: 'length', length: 1 },
      expectsContinue: true,
    }),
  },
  {
    name: 'an expectation in HTTP/1.0, which does not count',
    text: 'POST / HTTP/1.0\r\nHost: a\r\nExpect: a unicorn\r\n\r\n',
    expect: head({ method: 'POST', minor: 0, fields: ['Host', 'a', 'Expect', 'a unicorn'], persistent: false }),
  },
  {
    name: 'a WebSocket (RFC 6455 4.1)',
    text: `GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    expect: head({
      fields: [
        ...['Host', 'a', 'Connection', 'keep-alive, Upgrade', 'Upgrade', 'WebSocket'],
        ...['Sec-WebSocket-Key', KEY, 'Sec-WebSocket-Version', '13'],
      ],
      connectionNames: ['keep-alive', 'upgrade'],
      upgrade: true,
    }),
  },
  {
    name: 'a WebSocket on a connection that ends behind it',
    text: `GET / HTTP/1.1\r\nHost: a\r\nConnection: close, upgrade\r\nUpgrade: h2c, websocket\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n`,
    expect: head({
      fields: [
        ...['Host', 'a', 'Connection', 'close, upgrade', 'Upgrade', 'h2c, websocket'],
        ...['Sec-WebSocket-Key', KEY, 'Sec-WebSocket-Version', '13', 'Content-Length', '0'],
      ],
      framing: { kind: 'length', length: 0 },
      connectionNames: ['close', 'upgrade'],
      persistent: false,
      upgrade: true,
    }),
  },
  {
    name: 'h2c, which is not an upgrade for us',
    text: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n',
    expect: head({
      fields: ['Host', 'a', 'Connection', 'Upgrade, HTTP2-Settings', 'Upgrade', 'h2c', 'HTTP2-Settings', 'x'],
      connectionNames: ['upgrade', 'http2-settings'],
    }),
  },
  {
    name: 'Upgrade that Connection does not name (RFC 9110 7.8)',
    text: 'POST / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n',
    expect: head({ method: 'POST', fields: ['Host', 'a', 'Upgrade', 'websocket'] }),
  },
  {
    name: 'a protocol that only ends in a no-break space is another protocol',
    text: 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade,close\xa0\r\nUpgrade: websocket\xa0\r\n\r\n',
    expect: head({
      fields: ['Host', 'a', 'Connection', 'upgrade,close\xa0', 'Upgrade', 'websocket\xa0'],
      connectionNames: ['upgrade', 'close\xa0'],
    }),
  },
];

t.test('a head is decoded whole, byte by byte, and cut anywhere with payload behind', async t => {
  for (const { name, text, expect } of good) {
    const found = scanText(text);
    const read = found.kind === 'head' ? { ...found, head: plain(found.head) } : found;
    const canonicalLine = text.includes(` ${expect.target} HTTP/1.1\r\n`);
    t.strictSame(read, { kind: 'head', length: text.length, head: { ...expect, canonicalLine } }, name);
    t.strictSame(faultsAtCuts(scan, bytesOf(text)), [], name);
  }
});

type Bad = readonly [code: Code, name: string, text: string];

const withFields = (lines: string) => `GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n`;
const withHost = (lines: string) => `GET / HTTP/1.1\r\n${lines}\r\n`;
const withTarget = (target: string, method = 'GET') => `${method} ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;
const withLine = (line: string) => `${line}\r\nHost: a\r\n\r\n`;
const websocket = (changes: string, line = 'GET / HTTP/1.1') =>
  `${line}\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${changes}\r\n`;
const KEY_LINE = `Sec-WebSocket-Key: ${KEY}\r\n`;
const VERSION_LINE = 'Sec-WebSocket-Version: 13\r\n';

/** The clauses stand in the texts of `src/codes.ts`; RFC 9112 where nothing else is said. */
const bad: readonly Bad[] = [
  ['method-invalid', '3: no method', withLine(' / HTTP/1.1')],
  ['method-invalid', '2.2: a second empty line', '\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['method-invalid', '2.2: an LF in front', '\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['method-invalid', '2.2: a CR in front', '\rGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['method-invalid', '3: a tab behind the method', withLine('GET\t/ HTTP/1.1')],
  ['method-invalid', '3: a method alone', 'GET\r\n\r\n'],
  ['method-invalid', 'RFC 9110 9.1: a colon', withLine('GE:T / HTTP/1.1')],
  ['method-invalid', 'RFC 9110 9.1: not ASCII', withLine('G\xcbT / HTTP/1.1')],
  ['method-invalid', 'RFC 9110 9.1: a NUL', withLine('\0GET / HTTP/1.1')],
  ['method-invalid', 'a PROXY v2 header', '\r\n\r\n\0\r\nQUIT\n'],
  ['method-invalid', 'TLS', '\x16\x03\x01\x02\0\x01'],
  ['method-refused', 'RFC 9110 9.3.6: CONNECT', withTarget('a:443', 'CONNECT')],
  ['method-refused', 'RFC 9110 9.3.6: CONNECT with a path', withTarget('/', 'CONNECT')],
  ['method-refused', 'RFC 9110 9.3.8: TRACE', withTarget('/', 'TRACE')],
  ['target-invalid', '3.2: none', withLine('GET  HTTP/1.1')],
  ['target-invalid', '3: two spaces behind the method', withLine('GET  / HTTP/1.1')],
  ['target-invalid', '3: HTTP/0.9', 'GET /\r\n\r\n'],
  ['target-invalid', '3: a tab behind the target', withLine('GET /\tHTTP/1.1')],
  ['target-invalid', '3.2: a fragment', withTarget('/a#b')],
  ['target-invalid', '3.2: a backslash', withTarget('/a\\..\\b')],
  ['target-invalid', '3.2: <', withTarget('/<script>')],
  ['target-invalid', '3.2: not ASCII', withTarget('/\xe9')],
  ['target-invalid', '3.2: a NUL', withTarget('/\0')],
  ['target-invalid', '3.2: a CR', withTarget('/\rX')],
  ['target-invalid', '3.2: an LF', withTarget('/\n')],
  ['target-invalid', '3.2.3: an authority', withTarget('a:80')],
  ['target-invalid', '3.2.1: a path without a slash', withTarget('index.html')],
  ['target-invalid', '3.2.1: a query alone', withTarget('?x')],
  ['target-invalid', '3.2.4: * with GET', withTarget('*')],
  ['target-invalid', '3.2.4: more than *', withTarget('*a', 'OPTIONS')],
  ['target-invalid', '3.2.4: lower-case options', withTarget('*', 'options')],
  ['target-invalid', '3.2.2: another scheme', withTarget('ftp://a/')],
  ['target-invalid', '3.2.2: ws', withTarget('ws://a/')],
  ['target-invalid', '3.2.2: file', withTarget('file:///etc/passwd')],
  ['target-invalid', '3.2.2: no authority', withTarget('http:///x')],
  ['target-invalid', '3.2.2: nothing behind the scheme', withTarget('http://')],
  ['target-invalid', '3.2.2: one slash', withTarget('http:/a/')],
  ['target-invalid', 'RFC 9110 4.2.4: userinfo', withTarget('http://user@a/')],
  ['target-invalid', 'RFC 9110 4.2.4: userinfo with a password', withTarget('http://a:80@b/')],
  ['target-invalid', '3.2.2: a port of letters', withTarget('http://a:b/')],
  ['target-invalid', '3.2.2: a port above all', withTarget('http://a:65536/')],
  ['target-invalid', 'RFC 3986 2.1: an escape that is none', withTarget('http://a%4/')],
  ['target-invalid', '3.2.2: an open bracket', withTarget('http://[::1/')],
  ['request-line-invalid', '2.3: lower case', withLine('GET / http/1.1')],
  ['request-line-invalid', '3: two spaces behind the target', withLine('GET /  HTTP/1.1')],
  ['request-line-invalid', '3: a space in the target', withLine('GET /a b HTTP/1.1')],
  ['request-line-invalid', '3: a space behind the version', withLine('GET / HTTP/1.1 ')],
  ['request-line-invalid', '3: more behind the version', withLine('GET / HTTP/1.1 HTTP/1.1')],
  ['request-line-invalid', '2.3: three digits', withLine('GET / HTTP/1.11')],
  ['request-line-invalid', '2.3: no point', withLine('GET / HTTP/11')],
  ['request-line-invalid', '2.3: another protocol', withLine('GET / ICY/1.1')],
  ['version-unsupported', '2.3: HTTP/1.2', withLine('GET / HTTP/1.2')],
  ['version-unsupported', '2.3: HTTP/1.x', withLine('GET / HTTP/1.x')],
  ['version-unsupported', '2.3: HTTP/2.0', withLine('GET / HTTP/2.0')],
  ['version-unsupported', '2.3: HTTP/0.9', withLine('GET / HTTP/0.9')],
  ['version-unsupported', 'RFC 9113 3.4: the HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['line-ending-invalid', '2.2: LF behind the request line', 'GET / HTTP/1.1\nHost: a\r\n\r\n'],
  ['line-ending-invalid', '2.2: CR behind the request line', 'GET / HTTP/1.1\rHost: a\r\n\r\n'],
  ['line-ending-invalid', '2.2: LF behind a field', 'GET / HTTP/1.1\r\nHost: a\n\r\n'],
  ['line-ending-invalid', '2.2: CR inside a value', withFields('X: a\rb')],
  ['line-ending-invalid', '2.2: CR CR LF', withFields('X: a\r')],
  ['line-ending-invalid', '2.2: LF instead of the empty line', 'GET / HTTP/1.1\r\nHost: a\r\n\n'],
  ['line-ending-invalid', '2.2: CR instead of the empty line', 'GET / HTTP/1.1\r\nHost: a\r\n\rX'],
  ['line-ending-invalid', '2.2: LF inside a name', withFields('X\nY: a')],
  ['line-ending-invalid', '2.2: LF behind an empty value', withFields('X:\nY: a')],
  ['field-folded', '5.2: a folded line', withFields('X: a\r\n b')],
  ['field-folded', '5.2: a folded line, with a tab', withFields('X: a\r\n\tb')],
  ['field-folded', '2.2: white space in front of the first field', 'GET / HTTP/1.1\r\n Host: a\r\n\r\n'],
  ['field-folded', '5.2: a folded line of blanks', withFields('X: a\r\n ')],
  ['field-name-invalid', '5.1: a space in front of the colon', withFields('X : a')],
  ['field-name-invalid', '5.1: a tab in front of the colon', withFields('X\t: a')],
  ['field-name-invalid', '5.1: a space inside', withFields('X Y: a')],
  ['field-name-invalid', '5.1: no name', withFields(': a')],
  ['field-name-invalid', '5.1: no colon', withFields('X')],
  ['field-name-invalid', '5.1: a NUL', withFields('X\0: a')],
  ['field-name-invalid', '5.1: not ASCII', withFields('X\xe9: a')],
  ['field-name-invalid', '5.1: quotes', withFields('"X": a')],
  ['field-name-invalid', '5.1: a second request line', withFields('GET / HTTP/1.1')],
  ['field-value-invalid', 'RFC 9110 5.5: a NUL', withFields('X: a\0b')],
  ['field-value-invalid', 'RFC 9110 5.5: a NUL first', withFields('X:\0')],
  ['field-value-invalid', 'RFC 9110 5.5: a vertical tab', withFields('X: \x0b')],
  ['field-value-invalid', 'RFC 9110 5.5: a form feed', withFields('Transfer-Encoding: \x0cchunked')],
  ['field-value-invalid', 'RFC 9110 5.5: DEL', withFields('X: \x7f')],
  ['field-value-invalid', 'RFC 9110 5.5: escape', withFields('X: \x1b[0m')],
  ['host-missing', '3.2', 'GET / HTTP/1.1\r\n\r\n'],
  ['host-missing', '3.2: with an absolute form', 'GET http://a/ HTTP/1.1\r\n\r\n'],
  ['host-missing', '3.2: the name in another spelling', withHost('Hosts: a\r\nHos: a\r\n')],
  ['host-repeated', '3.2: equal', withHost('Host: a\r\nHost: a\r\n')],
  ['host-repeated', '3.2: different', withHost('Host: a\r\nhost: b\r\n')],
  ['host-repeated', '3.2: in HTTP/1.0', 'GET / HTTP/1.0\r\nHost: a\r\nHOST: b\r\n\r\n'],
  ['host-invalid', '3.2: empty', withHost('Host:\r\n')],
  ['host-invalid', '3.2: empty in HTTP/1.0', 'GET / HTTP/1.0\r\nHost:\r\n\r\n'],
  ['host-invalid', '3.2: a list', withHost('Host: a, b\r\n')],
  ['host-invalid', '3.2: two words', withHost('Host: a b\r\n')],
  ['host-invalid', '3.2: userinfo', withHost('Host: user@a\r\n')],
  ['host-invalid', '3.2: a path', withHost('Host: a/b\r\n')],
  ['host-invalid', '3.2: a scheme', withHost('Host: http://a\r\n')],
  ['host-invalid', '3.2: quotes', withHost('Host: a";for="1.2.3.4\r\n')],
  ['host-invalid', '3.2: a port that is none', withHost('Host: a:b\r\n')],
  ['host-invalid', '3.2: IPv6 without brackets', withHost('Host: ::1\r\n')],
  ['host-invalid', '3.2: not ASCII', withHost('Host: \xe9\r\n')],
  ['host-invalid', '3.2: malformed beside an absolute form', 'GET http://a/ HTTP/1.1\r\nHost: @\r\n\r\n'],
  ['framing-ambiguous', '6.3: a length and a coding', withFields('Content-Length: 1\r\nTransfer-Encoding: chunked')],
  ['framing-ambiguous', '6.3: a coding and a length', withFields('TRANSFER-ENCODING: chunked\r\ncontent-length: 1')],
  ['framing-ambiguous', '6.3: two lengths', withFields('Content-Length: 1\r\ncontent-length: 2')],
  ['framing-ambiguous', '6.3: the same length twice', withFields('Content-Length: 1\r\ncontent-length: 1')],
  ['framing-ambiguous', '6.1: a coding in HTTP/1.0', 'GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['content-length-invalid', '6.3: a sign', withFields('Content-Length: +1')],
  ['content-length-invalid', '6.3: a list', withFields('Content-Length: 1, 1')],
  ['content-length-invalid', '6.3: empty', withFields('Content-Length:')],
  ['content-length-invalid', '6.3: more than a number holds', withFields(`Content-Length: ${'9'.repeat(16)}`)],
  ['transfer-coding-invalid', '6.1: identity', withFields('Transfer-Encoding: identity')],
  ['transfer-coding-invalid', '6.1: empty', withFields('Transfer-Encoding:')],
  ['transfer-coding-invalid', '6.1: two codings', withFields('Transfer-Encoding: gzip, chunked')],
  [
    'transfer-coding-invalid',
    '6.1: chunked twice',
    withFields('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked'),
  ],
  ['expectation-unknown', 'RFC 9110 10.1.1', withFields('Expect: a unicorn')],
  ['expectation-unknown', 'RFC 9110 10.1.1: empty', withFields('Expect:')],
  ['expectation-unknown', 'RFC 9110 10.1.1: the second', withFields('Expect: 100-continue\r\nExpect: 200-ok')],
  ['upgrade-invalid', 'RFC 6455 4.1: POST', websocket(KEY_LINE + VERSION_LINE, 'POST / HTTP/1.1')],
  ['upgrade-invalid', 'RFC 6455 4.1: HTTP/1.0', websocket(KEY_LINE + VERSION_LINE, 'GET / HTTP/1.0')],
  ['upgrade-invalid', 'RFC 6455 4.1: a body', websocket(`${KEY_LINE}${VERSION_LINE}Content-Length: 1\r\n`)],
  ['upgrade-invalid', 'RFC 6455 4.1: chunks', websocket(`${KEY_LINE}${VERSION_LINE}Transfer-Encoding: chunked\r\n`)],
  ['upgrade-invalid', 'RFC 6455 4.1: no key', websocket(VERSION_LINE)],
  ['upgrade-invalid', 'RFC 6455 4.1: two keys', websocket(KEY_LINE + KEY_LINE + VERSION_LINE)],
  ['upgrade-invalid', 'RFC 6455 4.1: a short key', websocket(`Sec-WebSocket-Key: YQ==\r\n${VERSION_LINE}`)],
  ['upgrade-invalid', 'RFC 6455 4.1: no version', websocket(KEY_LINE)],
  ['upgrade-invalid', 'RFC 6455 4.1: two versions', websocket(KEY_LINE + VERSION_LINE + VERSION_LINE)],
  ['upgrade-version', 'RFC 6455 4.4: a version that is not 13', websocket(`${KEY_LINE}Sec-WebSocket-Version: x\r\n`)],
];

t.test('a head that breaks a clause is bad with its code, and stays bad', async t => {
  for (const [code, name, text] of bad) {
    t.strictSame(scanText(text), { kind: 'bad', code }, `${code}, ${name}`);
    t.strictSame(faultsAtCuts(scan, bytesOf(text)), [], `${code}, ${name}`);
  }
});

t.test('what can no longer become a head is bad at once, not at the end of the line', async t => {
  const cases: readonly Bad[] = [
    ['method-invalid', 'method', ' '],
    ['method-invalid', 'method', 'GET\t'],
    ['target-invalid', 'target', 'GET  '],
    ['target-invalid', 'target', 'GET /\n'],
    ['request-line-invalid', 'protocol', 'GET / h'],
    ['version-unsupported', 'major', 'GET / HTTP/2'],
    ['version-unsupported', 'minor', 'GET / HTTP/1.2'],
    ['request-line-invalid', 'version', 'GET / HTTP/1.1 '],
    ['line-ending-invalid', 'line', 'GET / HTTP/1.1\n'],
    ['line-ending-invalid', 'line', 'GET / HTTP/1.1\r\r'],
    ['field-folded', 'field', 'GET / HTTP/1.1\r\n '],
    ['field-name-invalid', 'name', 'GET / HTTP/1.1\r\n:'],
    ['field-name-invalid', 'name', 'GET / HTTP/1.1\r\nA '],
    ['line-ending-invalid', 'name', 'GET / HTTP/1.1\r\nA\n'],
    ['field-value-invalid', 'value', 'GET / HTTP/1.1\r\nA:\0'],
    ['line-ending-invalid', 'value', 'GET / HTTP/1.1\r\nA:\n'],
    ['line-ending-invalid', 'value', 'GET / HTTP/1.1\r\nA: b\n'],
    ['line-ending-invalid', 'value', 'GET / HTTP/1.1\r\nA: b\rc'],
    ['line-ending-invalid', 'end', 'GET / HTTP/1.1\r\nA: b\r\n\rc'],
  ];
  for (const [code, name, text] of cases) {
    t.strictSame(scanText(text), { kind: 'bad', code }, `${name} ${JSON.stringify(text)}`);
    t.strictSame(scanText(text.slice(0, -1)), { kind: 'more' }, `${name} ${JSON.stringify(text.slice(0, -1))}`);
  }
});

t.test('all 256 bytes in every place', async t => {
  const places: readonly (readonly [place: string, message: (char: string) => string, accepted: string])[] = [
    ['in the method', char => `A${char}B / HTTP/1.1\r\nHost: a\r\n\r\n`, charsLike(TCHAR)],
    ['in front of the method', char => `${char}B / HTTP/1.1\r\nHost: a\r\n\r\n`, charsLike(TCHAR)],
    ['behind the method', char => `A${char}/ HTTP/1.1\r\nHost: a\r\n\r\n`, ' '],
    ['first in the target', char => `A ${char}/ HTTP/1.1\r\nHost: a\r\n\r\n`, '/'],
    ['in the target', char => `A /${char}b HTTP/1.1\r\nHost: a\r\n\r\n`, charsLike(/[!"$-;=?-[\]-~]/)],
    ['behind the target', char => `A /${char}HTTP/1.1\r\nHost: a\r\n\r\n`, ' '],
    ['as the major version', char => `A / HTTP/${char}.1\r\nHost: a\r\n\r\n`, '1'],
    ['as the minor version', char => `A / HTTP/1.${char}\r\nHost: a\r\n\r\n`, '01'],
    ['behind the version', char => `A / HTTP/1.1${char}\nHost: a\r\n\r\n`, '\r'],
    ['behind the CR of the request line', char => `A / HTTP/1.1\r${char}Host: a\r\n\r\n`, '\n'],
    ['first in a name', char => withFields(`${char}A: b`), charsLike(TCHAR)],
    ['in a name', char => withFields(`A${char}B: c`), charsLike(new RegExp(`${TCHAR.source}|:`))],
    ['in front of the colon', char => withFields(`A${char}: b`), charsLike(new RegExp(`${TCHAR.source}|:`))],
    ['as the colon', char => withFields(`A${char} b`), ':'],
    ['first in a value', char => withFields(`A: ${char}b`), charsLike(CONTENT)],
    ['in a value', char => withFields(`A: b${char}c`), charsLike(CONTENT)],
    ['last in a value', char => withFields(`A: b${char}`), charsLike(CONTENT)],
    ['behind the CR of a field', char => withFields(`A: b\r${char}C: d`), '\n'],
    ['behind the CR of the empty line', char => `A / HTTP/1.1\r\nHost: a\r\n\r${char}`, '\n'],
    ['in a host', char => withHost(`Host: a${char}b\r\n`), charsLike(/[A-Za-z0-9\-._~!$&'()*+,;=]/)],
    ['in an authority', char => withTarget(`http://a${char}b`), charsLike(/[A-Za-z0-9\-._~!$&'()*+,;=/?]/)],
    ['in a length', char => withFields(`Content-Length: 1${char}1`), charsLike(/[0-9]/)],
    ['in front of a length', char => withFields(`Content-Length: ${char}1`), charsLike(/[0-9 \t]/)],
    ['behind a length', char => withFields(`Content-Length: 1${char}`), charsLike(/[0-9 ]/)],
    ['in front of chunked', char => withFields(`Transfer-Encoding: ${char}chunked`), charsLike(/[ \t]/)],
    ['in chunked', char => withFields(`Transfer-Encoding: chunk${char}d`), 'Ee'],
    ['behind chunked', char => withFields(`Transfer-Encoding: chunked${char}`), charsLike(/ /)],
  ];
  for (const [place, message, accepted] of places) t.equal(acceptedBytes(message, accepts), accepted, place);
});

t.test('limits have codes, and hold to the byte', async t => {
  const tight = (text: string, limits: Partial<typeof LIMITS>) =>
    scanRequestHead(bytesOf(text), { ...LIMITS, ...limits });
  const line = 'GET /abc HTTP/1.1\r\n';
  const text = `${line}Host: a\r\nX: y\r\n\r\n`;
  const whole = { kind: 'head', length: text.length };
  t.match(tight(text, { startLineBytes: line.length }), whole);
  t.match(tight(text, { headBytes: text.length }), whole);
  t.match(tight(text, { headFields: 2 }), whole);
  t.strictSame(tight(text, { headFields: 1 }), { kind: 'bad', code: 'too-many-fields' }, 'RFC 6585 5');
  for (let limit = 0; limit < line.length; limit += 1) {
    const answer = { kind: 'bad', code: 'start-line-too-long' };
    t.strictSame(tight(text, { startLineBytes: limit }), answer, `start line of ${limit} bytes (RFC 9110 15.5.15)`);
    t.strictSame(tight(text.slice(0, limit), { startLineBytes: limit }), { kind: 'more' });
  }
  for (let limit = line.length; limit < text.length; limit += 1) {
    const answer = { kind: 'bad', code: 'head-too-large' };
    t.strictSame(tight(text, { headBytes: limit }), answer, `head of ${limit} bytes (RFC 6585 5)`);
    t.strictSame(tight(text.slice(0, limit), { headBytes: limit }), { kind: 'more' });
  }
  t.strictSame(tight(`\r\n${text}`, { headBytes: text.length }).kind, 'head', 'the empty line in front does not count');
});

t.test('Max-Forwards is for OPTIONS and TRACE (RFC 9110 7.6.2)', async t => {
  const asked = (method: string, ...values: readonly string[]) => {
    const lines = values.map(value => `Max-Forwards: ${value}\r\n`).join('');
    const found = scanRequestHead(bytesOf(`${method} /x HTTP/1.1\r\nHost: a\r\n${lines}\r\n`), LIMITS, new Set());
    return found.kind === 'head' ? found.head.maxForwards : found;
  };
  t.equal(asked('OPTIONS', '3'), 3);
  t.equal(asked('TRACE', '7', '2'), 2);
  t.equal(asked('OPTIONS', 'many'), undefined);
  t.equal(asked('OPTIONS'), undefined);
  t.equal(asked('GET', '0'), undefined);
  t.same(asked('OPTIONS', '0'), { kind: 'bad', code: 'max-forwards-reached' });
});

t.test('names are known in any case, and only whole', async t => {
  const cases = [
    ['Host', 'host'],
    ['HOST', 'host'],
    ['tE', 'te'],
    ['Transfer-Encoding', 'transfer-encoding'],
    ['Transfer_Encoding', undefined],
    ['Hos', undefined],
    ['Hosts', undefined],
    ['', undefined],
    ['X-Forwarded-For', undefined],
  ] as const;
  for (const [name, known] of cases) t.equal(knownField(name), known, name);
});

t.test('the short way to the kind of a field agrees with the rules, for every first letter and length', async t => {
  const names = [
    'Forwarded',
    'X-Forwarded-For',
    'x_real.ip',
    'X~Forwarded',
    'Content_Length',
    'Host',
    'Te',
    'hOsT',
    '~',
    '',
  ];
  const all = names.flatMap(name => [name, name.toUpperCase(), `${name}s`, `a${name}`, name.slice(1), 'x'.repeat(40)]);
  const byRule = (name: string) => knownField(name) ?? (isReservedName(name) ? 'reserved' : undefined);
  for (const name of all) t.equal(kindOf(Buffer.from(name, 'latin1'), 0, name.length), byRule(name), name);
  t.equal(kindOf(Buffer.from(`x-forwarded-${'a'.repeat(60)}`), 0, 72), 'reserved');
});

t.test('names that only usher may speak are told in any case and spelling', async t => {
  const reserved = [
    ...['X-Forwarded-For', 'x-forwarded-for', 'X_FORWARDED_FOR', 'x_forwarded-for', 'X.Forwarded.For', 'X-Forwarded'],
    ...[
      'X-Forwarded-',
      'X-Forwarded-Anything',
      'x~forwarded~proto',
      'Forwarded',
      'FORWARDED',
      'X-Real-IP',
      'x_real_ip',
    ],
    ...['X-Real_IP', 'Content_Length', 'content.length', 'TRANSFER_ENCODING', 'Transfer!Encoding', 'Keep_Alive'],
    ...['Proxy_Connection', 'Sec_WebSocket_Key', 'Sec-WebSocket_Key', 'HTTP2_Settings'],
  ];
  for (const name of reserved) t.equal(isReservedName(name), true, name);
  const free = [
    ...['X-Forward', 'X-ForwardedFor', 'XForwarded', 'Forwarded-For', 'X-Real-IPs', 'X-RealIP', 'XX-Real-IP'],
    ...[
      'ContentLength',
      'Content__Length',
      'Content-Lengths',
      'X-Content_Length',
      'Cookie',
      'X_Request_Id',
      'Sec-WebSocket-Protocol',
    ],
  ];
  for (const name of free) t.equal(isReservedName(name), false, name);
});

function listNames(value: string): string[] {
  const names: string[] = [];
  addListNames(names, value);
  return names;
}

t.test('a list loses its empty members and its white space, and nothing else (RFC 9110 5.6.1)', async t => {
  t.strictSame(listNames(''), []);
  t.strictSame(listNames(','), []);
  t.strictSame(listNames('A'), ['a']);
  t.strictSame(listNames('a,B \t, c,,d'), ['a', 'b', 'c', 'd']);
  t.strictSame(listNames('close\xa0,b c,\xa0'), ['close\xa0', 'b c', '\xa0']);
  t.equal(listNames('a,'.repeat(300_000)).length, 300_000, 'as many as there are');
});

t.test('blanks inside a list cost linear time', async t => {
  const took = (length: number): number => {
    const value = `a${' '.repeat(length)}b`;
    const startedAt = performance.now();
    listNames(value);
    return performance.now() - startedAt;
  };
  took(200_000);
  // A busy machine makes either slower, so one fair pair of many is enough: a quadratic one would have none.
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 200 && least >= 16; round += 1) least = Math.min(least, took(1_600_000) / took(200_000));
  t.ok(least < 16, `eight times the bytes took ${least.toFixed(1)} times as long; quadratic would be 64`);
});

t.test(
  'a listener that refuses nothing gets CONNECT with its authority, and TRACE (RFC 9110 9.3.6 and 9.3.8)',
  async t => {
    const none: ReadonlySet<string> = new Set();
    const scan = (text: string) => scanRequestHead(Buffer.from(text), LIMITS, none);
    const connect = scan('CONNECT chat:443 HTTP/1.1\r\nHost: chat:443\r\n\r\n');
    t.match(connect, { kind: 'head', head: { method: 'CONNECT', target: 'chat:443', host: 'chat:443' } });
    t.match(scan('TRACE / HTTP/1.1\r\nHost: a\r\n\r\n'), { kind: 'head', head: { method: 'TRACE', target: '/' } });
    for (const target of ['/', 'chat', 'chat:', 'a@chat:443', '*', 'http://chat:443/']) {
      t.match(scan(`CONNECT ${target} HTTP/1.1\r\nHost: a\r\n\r\n`), { kind: 'bad', code: 'target-invalid' }, target);
    }
    t.match(scan('CONNECT a:1 HTTP/1.1\r\nHost: b:1\r\n\r\n'), { kind: 'bad', code: 'host-invalid' });
    for (const method of ['CONNECT a:1', 'TRACE /']) {
      const text = `${method} HTTP/1.1\r\nHost: a:1\r\nContent-Length: 1\r\n\r\nx`;
      t.match(scan(text), { kind: 'bad', code: 'framing-ambiguous' }, method);
    }
  },
);
