import t from 'tap';
import { kindOf } from '../../src/http/field-names.js';
import { CHUNKED } from '../../src/http/framing.js';
import { type ResponseHead, scanResponseHead } from '../../src/http/response-head.js';
import { acceptedBytes, bytesOf, CONTENT, charsLike, faultsAtCuts, TCHAR } from './cuts.js';

const LIMITS = { startLineBytes: 60, headBytes: 300, headFields: 8 };

const scan = (bytes: Buffer) => scanResponseHead(bytes, LIMITS);
const scanText = (text: string) => scan(bytesOf(text));
const accepts = (bytes: Buffer) => scan(bytes).kind === 'head';

/** A head whose fields can be compared: names and values in turn, and their kinds. */
type PlainHead = Omit<ResponseHead, 'fields'> & {
  readonly fields: readonly string[];
  readonly kinds: readonly unknown[];
};

function plain({ fields, ...head }: ResponseHead): PlainHead {
  return { ...head, fields: fields.list(), kinds: fields.kinds };
}

/** A head; what a test doesn't name is as in `HTTP/1.1 200 OK`. */
function head(changes: Partial<PlainHead> = {}): PlainHead {
  const fields = changes.fields ?? [];
  return {
    status: 200,
    reason: 'OK',
    minor: 1,
    fields,
    canonicalLine: true,
    kinds: fields
      .filter((_, index) => index % 2 === 0)
      .map(name => kindOf(Buffer.from(name, 'latin1'), 0, name.length)),
    declared: undefined,
    persistent: true,
    keepAliveMs: undefined,
    connectionNames: [],
    upgrades: [],
    ...changes,
  };
}

const length = (count: number) => ({ kind: 'length', length: count }) as const;

const good: readonly { readonly name: string; readonly text: string; readonly expect: PlainHead }[] = [
  { name: 'the least', text: 'HTTP/1.1 200 OK\r\n\r\n', expect: head() },
  { name: 'no reason (RFC 9112 4)', text: 'HTTP/1.1 200 \r\n\r\n', expect: head({ reason: '' }) },
  { name: 'no reason and no space', text: 'HTTP/1.1 200\r\n\r\n', expect: head({ reason: '' }) },
  {
    name: 'a long reason',
    text: 'HTTP/1.1 404  Pas trouv\xe9\t! \r\n\r\n',
    expect: head({ status: 404, reason: ' Pas trouv\xe9\t! ' }),
  },
  {
    name: 'HTTP/1.0',
    text: 'HTTP/1.0 200 OK\r\n\r\n',
    expect: head({ minor: 0, persistent: false }),
  },
  {
    name: 'HTTP/1.0 that keeps its connection',
    text: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nKeep-Alive: timeout=5, max=100\r\nContent-Length: 3\r\n\r\n',
    expect: head({
      minor: 0,
      fields: ['Connection', 'keep-alive', 'Keep-Alive', 'timeout=5, max=100', 'Content-Length', '3'],
      connectionNames: ['keep-alive'],
      keepAliveMs: 5000,
      declared: length(3),
    }),
  },
  { name: '100', text: 'HTTP/1.1 100 Continue\r\n\r\n', expect: head({ status: 100, reason: 'Continue' }) },
  {
    name: '100 with a length, which does not count (RFC 9110 8.6)',
    text: 'HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n',
    expect: head({ status: 100, reason: 'Continue', fields: ['Content-Length', '5'], declared: length(5) }),
  },
  {
    name: '101',
    text: 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket, x\r\n\r\n',
    expect: head({
      status: 101,
      reason: 'Switching Protocols',
      fields: ['Connection', 'Upgrade', 'Upgrade', 'WebSocket, x'],
      connectionNames: ['upgrade'],
      upgrades: ['websocket', 'x'],
    }),
  },
  {
    name: 'chunks, and fields that repeat',
    text: 'HTTP/1.1 200 OK\r\nSet-Cookie: a=\xff\r\ntransfer-encoding:\tCHUNKED\r\nset-cookie: b\r\n\r\n',
    expect: head({
      fields: ['Set-Cookie', 'a=\xff', 'transfer-encoding', 'CHUNKED', 'set-cookie', 'b'],
      declared: CHUNKED,
    }),
  },
  {
    name: 'a connection that ends',
    text: 'HTTP/1.1 999 \r\nConnection: close, x\r\nContent-Length: 0\r\n\r\n',
    expect: head({
      status: 999,
      reason: '',
      fields: ['Connection', 'close, x', 'Content-Length', '0'],
      connectionNames: ['close', 'x'],
      persistent: false,
      declared: length(0),
    }),
  },
  {
    name: '204 with length 0',
    text: 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
    expect: head({ status: 204, reason: 'No Content', fields: ['Content-Length', '0'], declared: length(0) }),
  },
  {
    name: '204 with a length: its connection is not used again, for the content may come (RFC 9112 6.3)',
    text: 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n',
    expect: head({
      status: 204,
      reason: 'No Content',
      fields: ['Content-Length', '5'],
      declared: length(5),
      persistent: false,
    }),
  },
  {
    name: '204 with chunks: its connection is not used again (RFC 9112 6.1)',
    text: 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n',
    expect: head({
      status: 204,
      reason: 'No Content',
      fields: ['Transfer-Encoding', 'chunked'],
      declared: CHUNKED,
      persistent: false,
    }),
  },
  {
    name: '304 with the length of what it stands for (RFC 9110 8.6)',
    text: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
    expect: head({ status: 304, reason: 'Not Modified', fields: ['Content-Length', '5'], declared: length(5) }),
  },
];

t.test('a head is decoded whole, byte by byte, and cut anywhere with payload behind', async t => {
  for (const { name, text, expect } of good) {
    const found = scanText(text);
    const read = found.kind === 'head' ? { ...found, head: plain(found.head) } : found;
    const canonicalLine = text.startsWith(`HTTP/1.1 ${expect.status} ${expect.reason}\r\n`);
    t.strictSame(read, { kind: 'head', length: text.length, head: { ...expect, canonicalLine } }, name);
    t.strictSame(faultsAtCuts(scan, bytesOf(text)), [], name);
  }
});

const withFields = (lines: string) => `HTTP/1.1 200 OK\r\n${lines}\r\n\r\n`;
const withLine = (line: string) => `${line}\r\nContent-Length: 0\r\n\r\n`;

/** RFC 9112 where nothing else is said. */
const bad: readonly (readonly [name: string, text: string])[] = [
  ['2.2: an empty line in front', '\r\nHTTP/1.1 200 OK\r\n\r\n'],
  ['4: a request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['4: lower case', withLine('http/1.1 200 OK')],
  ['2.3: HTTP/2', withLine('HTTP/2 200 OK')],
  ['2.3: HTTP/1.2', withLine('HTTP/1.2 200 OK')],
  ['2.3: HTTP/0.9', '<html>'],
  ['4: ICY', withLine('ICY 200 OK')],
  ['4: two spaces', withLine('HTTP/1.1  200 OK')],
  ['4: a tab', withLine('HTTP/1.1\t200 OK')],
  ['4: two digits', withLine('HTTP/1.1 20 OK')],
  ['4: four digits', withLine('HTTP/1.1 2000 OK')],
  ['RFC 9110 15: status 099', withLine('HTTP/1.1 099 OK')],
  ['4: a sign', withLine('HTTP/1.1 +20 OK')],
  ['4: letters', withLine('HTTP/1.1 2OO OK')],
  ['4: a tab behind the status', withLine('HTTP/1.1 200\tOK')],
  ['4: a NUL in the reason', withLine('HTTP/1.1 200 O\0K')],
  ['2.2: LF behind the line', 'HTTP/1.1 200 OK\nX: y\r\n\r\n'],
  ['2.2: LF behind the status', 'HTTP/1.1 200\nX: y\r\n\r\n'],
  ['2.2: CR inside the reason', withLine('HTTP/1.1 200 O\rK')],
  ['5.2: a folded line', withFields('X: a\r\n b')],
  ['5.1: a space in front of the colon', withFields('Content-Length : 5')],
  ['5.1: no name', withFields(': a')],
  ['RFC 9110 5.5: a NUL', withFields('X: \0')],
  ['2.2: CR in a value', withFields('X: a\rSet-Cookie: b')],
  ['2.2: LF in a value', withFields('X: a\nSet-Cookie: b')],
  ['2.2: LF instead of the empty line', 'HTTP/1.1 200 OK\r\n\n'],
  ['6.3: a length and a coding', withFields('Content-Length: 5\r\nTransfer-Encoding: chunked')],
  ['6.3: two lengths', withFields('Content-Length: 5\r\nContent-Length: 6')],
  ['6.3: the same length twice', withFields('Content-Length: 5\r\nContent-Length: 5')],
  ['6.3: a list of lengths', withFields('Content-Length: 5, 5')],
  ['6.3: a sign', withFields('Content-Length: -1')],
  ['6.3: an empty length', withFields('Content-Length:')],
  ['6.1: gzip, chunked', withFields('Transfer-Encoding: gzip, chunked')],
  ['6.1: identity', withFields('Transfer-Encoding: identity')],
  ['6.1: chunked twice', withFields('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked')],
  ['6.1: an empty coding', withFields('Transfer-Encoding:')],
  ['6.1: chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['6.1: two codings in 204', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: gzip, chunked\r\n\r\n'],
  ['too long a line', withLine(`HTTP/1.1 200 ${'x'.repeat(46)}`)],
  ['too long a line, without an end', `HTTP/1.1 200 ${'x'.repeat(100)}`],
  ['too many fields', withFields(Array.from({ length: 9 }, () => 'A: b').join('\r\n'))],
  ['too large a head', withFields(`A: ${'b'.repeat(300)}`)],
];

t.test('a head that breaks a clause is bad, and stays bad', async t => {
  for (const [name, text] of bad) {
    t.strictSame(scanText(text), { kind: 'bad' }, name);
    t.strictSame(faultsAtCuts(scan, bytesOf(text)), [], name);
  }
});

t.test('what can no longer become a status line is bad at once', async t => {
  for (const text of ['h', 'HX', 'HTTP/2', 'HTTP/1.2', 'HTTP/1.1\t', 'HTTP/1.1 0', 'HTTP/1.1 2x', 'HTTP/1.1 200\n']) {
    t.strictSame(scanText(text), { kind: 'bad' }, JSON.stringify(text));
    t.strictSame(scanText(text.slice(0, -1)), { kind: 'more' }, JSON.stringify(text.slice(0, -1)));
  }
  t.strictSame(scanText('HTTP/1.1 200 O\n'), { kind: 'bad' });
  t.strictSame(scanText('HTTP/1.1 200 O\r\r'), { kind: 'bad' });
});

t.test('the limits hold to the byte', async t => {
  const text = 'HTTP/1.1 200 OK\r\nX: y\r\n\r\n';
  const tight = (limits: Partial<typeof LIMITS>) => scanResponseHead(bytesOf(text), { ...LIMITS, ...limits }).kind;
  t.equal(tight({ startLineBytes: 17 }), 'head');
  for (let limit = 0; limit < 17; limit += 1)
    t.equal(tight({ startLineBytes: limit }), 'bad', `line of ${limit} bytes`);
  t.equal(tight({ headBytes: text.length }), 'head');
  for (let limit = 17; limit < text.length; limit += 1) t.equal(tight({ headBytes: limit }), 'bad', `head of ${limit}`);
  t.equal(tight({ headFields: 1 }), 'head');
  t.equal(tight({ headFields: 0 }), 'bad');
});

t.test('all 256 bytes in every place', async t => {
  const places: readonly (readonly [place: string, message: (char: string) => string, accepted: string])[] = [
    ['in front', char => `${char}TTP/1.1 200 OK\r\n\r\n`, 'H'],
    ['as the major version', char => `HTTP/${char}.1 200 OK\r\n\r\n`, '1'],
    ['as the minor version', char => `HTTP/1.${char} 200 OK\r\n\r\n`, '01'],
    ['behind the version', char => `HTTP/1.1${char}200 OK\r\n\r\n`, ' '],
    ['first in the status', char => `HTTP/1.1 ${char}00 OK\r\n\r\n`, charsLike(/[1-9]/)],
    ['last in the status', char => `HTTP/1.1 20${char} OK\r\n\r\n`, charsLike(/[0-9]/)],
    ['behind the status', char => `HTTP/1.1 200${char}OK\r\n\r\n`, ' '],
    ['in the reason', char => `HTTP/1.1 200 O${char}K\r\n\r\n`, charsLike(CONTENT)],
    ['behind the CR of the line', char => `HTTP/1.1 200 OK\r${char}\r\n`, '\n'],
    ['in a name', char => withFields(`A${char}B: c`), charsLike(new RegExp(`${TCHAR.source}|:`))],
    ['in front of the colon', char => withFields(`A${char}: b`), charsLike(new RegExp(`${TCHAR.source}|:`))],
    ['first in a value', char => withFields(`A: ${char}b`), charsLike(CONTENT)],
    ['last in a value', char => withFields(`A: b${char}`), charsLike(CONTENT)],
    ['behind the CR of a field', char => withFields(`A: b\r${char}C: d`), '\n'],
    ['behind the CR of the empty line', char => `HTTP/1.1 200 OK\r\n\r${char}`, '\n'],
    ['behind a length', char => withFields(`Content-Length: 1${char}`), charsLike(/[0-9 ]/)],
    ['behind chunked', char => withFields(`Transfer-Encoding: chunked${char}`), charsLike(/ /)],
  ];
  for (const [place, message, accepted] of places) t.equal(acceptedBytes(message, accepts), accepted, place);
});

t.test('the time that a backend keeps its connection (RFC 2068 19.7.1.1)', async t => {
  const cases = [
    ['timeout=5', 5000],
    ['timeout=5, max=100', 5000],
    ['max=100,Timeout=72', 72_000],
    ['timeout=0', 0],
    ['timeout=2\r\nKeep-Alive: max=100', 2000],
    ['max=100\r\nKeep-Alive: timeout=2', 2000],
    ['timeout=9\r\nKeep-Alive: timeout=3\r\nKeep-Alive: timeout=4', 3000],
    ['timeout=9, timeout=4', 4000],
    ['timeout="2"', 2000],
    ['timeout = 2', 2000],
    ['max = 5 ; Timeout\t=\t"7" ', 7000],
    ['timeout="x"', undefined],
    ['timeout==2', undefined],
    ['timeout=', undefined],
    ['timeout=x', undefined],
    ['timeout=5s', undefined],
    ['xtimeout=5', undefined],
    ['timeout=9999999', undefined],
    ['', undefined],
  ] as const;
  for (const [value, ms] of cases) {
    const scan = scanText(withFields(`Keep-Alive: ${value}`));
    t.equal(scan.kind === 'head' ? scan.head.keepAliveMs : scan.kind, ms, value);
  }
});
