import t from 'tap';
import { type BodyEvent, BodyScanner } from '../../src/http/body-scanner.js';
import { CHUNKED, type Framing, NO_BODY, UNTIL_CLOSE } from '../../src/http/framing.js';
import { acceptedBytes, bytesOf, CONTENT, charsLike, charsWhere, TCHAR } from './cuts.js';

const LIMITS = { headBytes: 200, headFields: 4 };

interface Read {
  readonly content: string;
  /** The last event: `done`, `more`, `bad` or `bad-trailer`. */
  readonly end: BodyEvent;
  /** What stands behind the body. */
  readonly rest: string;
  readonly trailers: readonly string[];
}

/** Feeds pieces as a connection does: what was not used is kept in front of the next piece. */
function read(framing: Framing, pieces: readonly Buffer[]): Read {
  const scanner = new BodyScanner(framing, LIMITS);
  let content = '';
  let kept = Buffer.alloc(0);
  let end: BodyEvent = 'more';
  for (const piece of pieces) {
    kept = Buffer.concat([kept, piece]);
    if (end !== 'more') continue;
    let from = 0;
    for (;;) {
      end = scanner.next(kept, from);
      from = scanner.used;
      if (end !== 'data') break;
      content += kept.toString('latin1', scanner.dataStart, scanner.dataEnd);
    }
    kept = kept.subarray(from);
  }
  return { content, end, rest: kept.toString('latin1'), trailers: scanner.trailers };
}

function readText(framing: Framing, text: string): Read {
  return read(framing, [bytesOf(text)]);
}

/** Whole, byte by byte, and in two pieces cut at every offset: the same is read. */
function faultsAtCuts(framing: Framing, text: string): string[] {
  const bytes = bytesOf(text);
  const whole = read(framing, [bytes]);
  const same = ({ content, end, rest, trailers }: Read) =>
    content === whole.content &&
    end === whole.end &&
    trailers.join() === whole.trailers.join() &&
    (end === 'bad' || end === 'bad-trailer' || rest === whole.rest);
  const faults: string[] = [];
  if (
    !same(
      read(
        framing,
        Array.from(bytes, byte => Buffer.from([byte])),
      ),
    )
  )
    faults.push('byte by byte');
  for (let at = 0; at <= bytes.length; at += 1) {
    if (!same(read(framing, [bytes.subarray(0, at), bytes.subarray(at)]))) faults.push(`cut at ${at}`);
  }
  return faults;
}

const length = (count: number): Framing => ({ kind: 'length', length: count });
const done = (content: string, rest = '', trailers: readonly string[] = []): Read => ({
  content,
  end: 'done',
  rest,
  trailers,
});
const more = (content: string, rest = ''): Read => ({ content, end: 'more', rest, trailers: [] });

interface Case {
  readonly name: string;
  readonly framing: Framing;
  readonly text: string;
  readonly expect: Read;
}

const NEXT = 'GET / HTTP/1.1\r\n';

const good: readonly Case[] = [
  { name: 'no body', framing: NO_BODY, text: NEXT, expect: done('', NEXT) },
  { name: 'length 0', framing: length(0), text: NEXT, expect: done('', NEXT) },
  { name: 'a length', framing: length(5), text: `hello${NEXT}`, expect: done('hello', NEXT) },
  { name: 'a length that is not there yet', framing: length(6), text: 'hello', expect: more('hello') },
  { name: 'until close', framing: UNTIL_CLOSE, text: 'hello\r\n', expect: more('hello\r\n') },
  { name: 'no chunk', framing: CHUNKED, text: `0\r\n\r\n${NEXT}`, expect: done('', NEXT) },
  { name: 'a chunk', framing: CHUNKED, text: `5\r\nhello\r\n0\r\n\r\n${NEXT}`, expect: done('hello', NEXT) },
  { name: 'CR LF as content', framing: CHUNKED, text: `2\r\n\r\n\r\n0\r\n\r\n${NEXT}`, expect: done('\r\n', NEXT) },
  {
    name: 'chunks that look like messages',
    framing: CHUNKED,
    text: `10\r\n${NEXT}\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n${NEXT}`,
    expect: done(`${NEXT}0\r\n\r\n`, NEXT),
  },
  {
    name: 'digits in both cases',
    framing: CHUNKED,
    text: '0a\r\n0123456789\r\n0A\r\n0123456789\r\n00\r\n\r\n',
    expect: done('01234567890123456789'),
  },
  { name: 'ten digits', framing: CHUNKED, text: '0000000001\r\nx\r\n0000000000\r\n\r\n', expect: done('x') },
  { name: 'the largest chunk, not there yet', framing: CHUNKED, text: 'ffffffffff\r\nx', expect: more('x') },
  {
    name: 'extensions, which are dropped (RFC 9112 7.1.1)',
    framing: CHUNKED,
    text: '1;a\r\nx\r\n1;a=b;c="d; \xe9";e=""\r\ny\r\n0;last\r\n\r\n',
    expect: done('xy'),
  },
  {
    name: 'trailers (RFC 9112 7.1.2)',
    framing: CHUNKED,
    text: `1\r\nx\r\n0\r\nServer-Timing: db;dur=1 \r\nDate: today\r\nX:\r\n\r\n${NEXT}`,
    expect: done('x', NEXT, ['Server-Timing', 'db;dur=1', 'Date', 'today', 'X', '']),
  },
  { name: 'nothing at all yet', framing: CHUNKED, text: '', expect: more('') },
  { name: 'a size that may go on', framing: CHUNKED, text: '5', expect: more('', '5') },
  { name: 'a CR that may go on', framing: CHUNKED, text: '5\r', expect: more('', '5\r') },
  { name: 'an extension that may go on', framing: CHUNKED, text: '5;a', expect: more('', '5;a') },
  { name: 'a chunk without its end', framing: CHUNKED, text: '5\r\nhello', expect: more('hello') },
  { name: 'a chunk with half its end', framing: CHUNKED, text: '5\r\nhello\r', expect: more('hello', '\r') },
  { name: 'an end without its empty line', framing: CHUNKED, text: '0\r\n', expect: more('') },
  { name: 'a trailer that may go on', framing: CHUNKED, text: '0\r\nX: y\r\n', expect: more('', 'X: y\r\n') },
];

t.test('content is found whole, byte by byte, and cut anywhere with payload behind', async t => {
  for (const { name, framing, text, expect } of good) {
    t.strictSame(readText(framing, text), expect, name);
    t.strictSame(faultsAtCuts(framing, text), [], name);
  }
});

/** RFC 9112 7.1, and 6.5.1 of RFC 9110 for trailers. */
const bad: readonly (readonly [name: string, text: string, end?: BodyEvent])[] = [
  ['no size', '\r\nhello'],
  ['an extension without a size', ';a\r\n'],
  ['a space in front of the size', ' 5\r\nhello\r\n'],
  ['a space behind the size', '5 \r\nhello\r\n'],
  ['a tab behind the size', '5\t\r\nhello\r\n'],
  ['a space in front of an extension', '5 ;a\r\nhello\r\n'],
  ['a space behind the semicolon', '5; a\r\nhello\r\n'],
  ['a space around =', '5;a =b\r\nhello\r\n'],
  ['a sign', '+5\r\nhello\r\n'],
  ['negative', '-5\r\nhello\r\n'],
  ['0x', '0x5\r\nhello\r\n'],
  ['a letter that is no digit', '5g\r\nhello\r\n'],
  ['an underscore', '1_0\r\n'],
  ['eleven digits', '00000000001\r\nx\r\n'],
  ['2^64', '10000000000000000\r\n'],
  ['2^64 + 5, which overflows to 5', '10000000000000005\r\nhello\r\n'],
  ['a NUL behind the size', '5\0\r\nhello\r\n'],
  ['LF behind the size', '5\nhello\r\n'],
  ['CR alone behind the size', '5\rhello\r\n'],
  ['CR CR LF behind the size', '5\r\r\nhello\r\n'],
  ['LF behind an extension', '5;a\nhello\r\n'],
  ['CR alone behind an extension', '5;a\rhello\r\n'],
  ['an empty extension', '5;\r\nhello\r\n'],
  ['two semicolons', '5;;a\r\nhello\r\n'],
  ['an extension without a value', '5;a=\r\nhello\r\n'],
  ['an extension without a name', '5;=b\r\nhello\r\n'],
  ['an open quote', '5;a="b\r\nhello\r\n'],
  ['an escaped quote', '5;a="\\""\r\nhello\r\n'],
  ['a byte behind a quote', '5;a="b"c\r\nhello\r\n'],
  ['a control byte in an extension', '5;a\x01\r\nhello\r\n'],
  ['DEL in an extension', '5;a="\x7f"\r\nhello\r\n'],
  ['extensions of 257 bytes', `5;${'a'.repeat(256)}\r\nhello\r\n`],
  ['extensions of 257 bytes without an end', `5;${'a'.repeat(256)}`],
  ['17 chunks with extensions of 256 bytes', `1;${'a'.repeat(255)}\r\nx\r\n`.repeat(17)],
  ['a chunk longer than its size', '5\r\nhellox\r\n'],
  ['a chunk shorter than its size', '6\r\nhello\r\n0\r\n\r\n'],
  ['LF behind a chunk', '5\r\nhello\n0\r\n\r\n'],
  ['CR alone behind a chunk', '5\r\nhello\rX'],
  ['a size right behind a chunk', '5\r\nhello0\r\n\r\n'],
  ['LF behind the last chunk', '0\n\r\n'],
  ['LF instead of the empty line', '0\r\n\n', 'bad-trailer'],
  ['CR alone instead of the empty line', '0\r\n\rX', 'bad-trailer'],
  ['a request instead of the empty line', `0\r\n${NEXT}Host: a\r\n\r\n`, 'bad-trailer'],
  ['a folded trailer', '0\r\nX: a\r\n b\r\n\r\n', 'bad-trailer'],
  ['white space in front of the trailers', '0\r\n X: a\r\n\r\n', 'bad-trailer'],
  ['a trailer with a space in front of its colon', '0\r\nX : a\r\n\r\n', 'bad-trailer'],
  ['a trailer with a NUL', '0\r\nX: \0\r\n\r\n', 'bad-trailer'],
  ['a trailer that ends in LF', '0\r\nX: a\n\r\n', 'bad-trailer'],
  ['too many trailers', `0\r\n${'A: b\r\n'.repeat(5)}\r\n`, 'bad-trailer'],
  ['trailers of more bytes than a head', `0\r\nA: ${'b'.repeat(200)}\r\n\r\n`, 'bad-trailer'],
];

t.test('a malformed body is bad, and nothing behind the fault is content (RFC 9112 7.1)', async t => {
  for (const [name, text, end = 'bad'] of bad) {
    const answer = readText(CHUNKED, text);
    t.equal(answer.end, end, name);
    t.ok(
      ['', 'hello', 'x'.repeat(16)].includes(answer.content) || /longer|shorter/.test(name),
      `${name}: ${answer.content}`,
    );
    t.strictSame(faultsAtCuts(CHUNKED, text), [], name);
  }
});

t.test('an extension that can no longer become one is bad at once', async t => {
  for (const text of [
    '1;;',
    '1;=',
    '1; ',
    '1;a ',
    '1;a;;',
    '1;a==',
    '1;a="b"c',
    '1;a="\\',
    '1;a=\xe9',
    '1;a\0',
    '1;a\n',
  ]) {
    t.equal(readText(CHUNKED, text).end, 'bad', JSON.stringify(text));
    t.equal(readText(CHUNKED, text.slice(0, -1)).end, 'more', JSON.stringify(text.slice(0, -1)));
  }
});

t.test('fields that steer must not come in a trailer, in any case or spelling (RFC 9110 6.5.1)', async t => {
  const names = [
    ...['Content-Length', 'Transfer-Encoding', 'transfer-encoding', 'HOST', 'Connection', 'Upgrade', 'Trailer', 'TE'],
    ...['Expect', 'Keep-Alive', 'Proxy-Authorization', 'Proxy-Connection', 'Sec-WebSocket-Key', 'HTTP2-Settings'],
    ...['X-Forwarded-For', 'x_forwarded_for', 'Forwarded', 'X-Real-IP', 'Content_Length', 'Transfer.Encoding'],
    ...['Authorization', 'Cookie', 'set-cookie', 'Content-Type', 'Content-Encoding', 'Content-Range'],
  ];
  for (const name of names) t.equal(readText(CHUNKED, `0\r\nA: b\r\n${name}: 5\r\n\r\n`).end, 'bad-trailer', name);
});

t.test('all 256 bytes in every place', async t => {
  const fine = (bytes: Buffer) => {
    const answer = read(CHUNKED, [bytes]);
    return answer.end === 'done' && answer.content === 'x';
  };
  const places: readonly (readonly [place: string, message: (char: string) => string, accepted: string])[] = [
    ['as the size', char => `${char}\r\nx\r\n0\r\n\r\n`, '1'],
    ['in front of the size', char => `${char}1\r\nx\r\n0\r\n\r\n`, '0'],
    ['behind the size', char => `1${char}\r\nx\r\n0\r\n\r\n`, ''],
    ['behind the CR of the size', char => `1\r${char}x\r\n0\r\n\r\n`, '\n'],
    ['as the semicolon', char => `1${char}a\r\nx\r\n0\r\n\r\n`, ';'],
    [
      'in the name of an extension',
      char => `1;a${char}b\r\nx\r\n0\r\n\r\n`,
      charsLike(new RegExp(`${TCHAR.source}|[;=]`)),
    ],
    [
      'in the value of an extension',
      char => `1;a=b${char}c\r\nx\r\n0\r\n\r\n`,
      charsLike(new RegExp(`${TCHAR.source}|;`)),
    ],
    ['in a quoted value', char => `1;a="b${char}c"\r\nx\r\n0\r\n\r\n`, charsLike(/[ !#-[\]-~\x80-\xff]/)],
    ['behind the chunk', char => `1\r\nx${char}\n0\r\n\r\n`, '\r'],
    ['behind the CR of the chunk', char => `1\r\nx\r${char}0\r\n\r\n`, '\n'],
    ['as the last size', char => `1\r\nx\r\n${char}\r\n\r\n`, '0'],
    ['behind the CR of the last size', char => `1\r\nx\r\n0\r${char}\r\n`, '\n'],
    [
      'in the name of a trailer',
      char => `1\r\nx\r\n0\r\nA${char}B: c\r\n\r\n`,
      charsLike(new RegExp(`${TCHAR.source}|:`)),
    ],
    ['in the value of a trailer', char => `1\r\nx\r\n0\r\nA: b${char}c\r\n\r\n`, charsLike(CONTENT)],
    ['behind the CR of the end', char => `1\r\nx\r\n0\r\n\r${char}`, '\n'],
  ];
  for (const [place, message, accepted] of places) t.equal(acceptedBytes(message, fine), accepted, place);
  const any = charsWhere(char => readText(CHUNKED, `1\r\n${char}\r\n0\r\n\r\n`).content === char);
  t.equal(any, charsLike(/[\s\S]/), 'as content');
});

t.test('a scanner that is done stays done and uses nothing', async t => {
  const scanner = new BodyScanner(CHUNKED, LIMITS);
  const bytes = bytesOf('0\r\n\r\n0\r\n\r\n');
  t.equal(scanner.done, false);
  t.equal(scanner.next(bytes, 0), 'done');
  t.equal(scanner.used, 5);
  t.equal(scanner.done, true);
  t.equal(scanner.next(bytes, 5), 'done');
  t.equal(scanner.used, 5);
});

t.test('only a body until close is until close', async t => {
  for (const framing of [NO_BODY, CHUNKED, length(0), length(5), UNTIL_CLOSE]) {
    t.equal(new BodyScanner(framing, LIMITS).untilClose, framing === UNTIL_CLOSE, framing.kind);
  }
});

t.test('content is told by its place in the very bytes that were fed: nothing is copied', async t => {
  const scanner = new BodyScanner(CHUNKED, LIMITS);
  const bytes = bytesOf('..5\r\nhello\r\n');
  t.equal(scanner.next(bytes, 2), 'data');
  t.strictSame([scanner.dataStart, scanner.dataEnd, scanner.used], [5, 10, 10]);
});
