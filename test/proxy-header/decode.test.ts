import t from 'tap';
import { DEFAULT_MAX_BYTES, decodeProxyHeader } from '../../src/proxy-header/decode.js';
import type { Decoded } from '../../src/proxy-header/header.js';
import {
  concat,
  fromText,
  goodHeaders,
  MINIMAL_IPV4,
  NLB_IPV4,
  PRIVATE_LINK,
  SIGNATURE,
  V1_TCP4,
} from '../fixtures/proxy-headers.js';

const PAYLOAD = fromText('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');

/** What a connection does with pieces: decode all that came so far, until the answer is not `more`. */
function feed(pieces: readonly Uint8Array[]): { answer: Decoded; leftover: Uint8Array } {
  let received: Uint8Array = new Uint8Array();
  let answer = decodeProxyHeader(received);
  for (const piece of pieces) {
    received = concat(received, piece);
    if (answer.kind === 'more') answer = decodeProxyHeader(received);
  }
  return { answer, leftover: answer.kind === 'header' ? received.slice(answer.length) : received };
}

for (const { name, bytes, header } of goodHeaders) {
  const expected: Decoded = { kind: 'header', header, length: bytes.length };

  t.test(`${name} is read whole, and its length is where it ends`, async t => {
    t.strictSame(decodeProxyHeader(bytes), expected);
    t.strictSame(decodeProxyHeader(Buffer.from(bytes)), expected, 'from a Buffer');
  });

  t.test(`${name} is read one byte at a time`, async t => {
    const pieces = Array.from(concat(bytes, PAYLOAD), byte => Uint8Array.of(byte));
    const { answer, leftover } = feed(pieces);
    t.strictSame(answer, expected);
    t.strictSame(leftover, PAYLOAD);
  });

  t.test(`${name} is read cut at every offset, with payload behind it`, async t => {
    const all = concat(bytes, PAYLOAD);
    for (let cut = 0; cut <= all.length; cut += 1) {
      const { answer, leftover } = feed([all.subarray(0, cut), all.subarray(cut)]);
      t.strictSame(answer, expected, `cut at ${cut}`);
      t.strictSame(leftover, PAYLOAD, `leftover, cut at ${cut}`);
    }
  });

  t.test(`${name} is not complete before its last byte`, async t => {
    for (let length = 0; length < bytes.length; length += 1) {
      t.strictSame(decodeProxyHeader(bytes.subarray(0, length)), { kind: 'more' }, `${length} bytes`);
    }
  });
}

t.test('a header and two pipelined requests in one piece leave both requests as payload', async t => {
  const { answer, leftover } = feed([concat(V1_TCP4.bytes, PAYLOAD, PAYLOAD)]);
  t.equal(answer.kind, 'header');
  t.strictSame(leftover, concat(PAYLOAD, PAYLOAD));
});

t.test('a second header is payload, of either version behind either (PP 2.2: only one header)', async t => {
  for (const first of goodHeaders) {
    for (const second of [V1_TCP4, MINIMAL_IPV4]) {
      const { answer, leftover } = feed([concat(first.bytes, second.bytes)]);
      t.strictSame(answer, { kind: 'header', header: first.header, length: first.bytes.length });
      t.strictSame(leftover, second.bytes);
    }
  }
});

t.test('bytes that look like a TLV behind the header are payload (PP 2.2)', async t => {
  const lookalike = Uint8Array.of(0x04, 0x00, 0x00);
  const { leftover } = feed([concat(NLB_IPV4.bytes, lookalike)]);
  t.strictSame(leftover, lookalike);
});

t.test('nothing in the answer points into the borrowed bytes', async t => {
  for (const make of [(bytes: Uint8Array) => Uint8Array.from(bytes), (bytes: Uint8Array) => Buffer.from(bytes)]) {
    const borrowed = make(PRIVATE_LINK.bytes);
    const answer = decodeProxyHeader(borrowed);
    borrowed.fill(0x41);
    t.strictSame(answer, { kind: 'header', header: PRIVATE_LINK.header, length: 100 });
  }
});

t.test('a header in the middle of a larger buffer is read from where the view begins', async t => {
  const buffer = Buffer.alloc(400, 0xff);
  buffer.set(NLB_IPV4.bytes, 37);
  const answer = decodeProxyHeader(buffer.subarray(37));
  t.strictSame(answer, { kind: 'header', header: NLB_IPV4.header, length: 100 });
});

t.test('of all 256 first bytes only two can begin a header (PP 2.1, PP 2.2)', async t => {
  for (let byte = 0; byte < 256; byte += 1) {
    const expected = byte === 0x50 || byte === 0x0d ? { kind: 'more' } : { kind: 'bad', code: 'header-missing' };
    t.strictSame(decodeProxyHeader(Uint8Array.of(byte)), expected, `byte ${byte}`);
  }
});

t.test('a wrong byte anywhere in the v2 signature is bad at once (PP 2.2)', async t => {
  for (let at = 0; at < SIGNATURE.length; at += 1) {
    const wrong = Uint8Array.from(SIGNATURE.subarray(0, at + 1), (byte, index) => (index === at ? byte ^ 0x80 : byte));
    t.strictSame(decodeProxyHeader(wrong), { kind: 'bad', code: 'header-missing' }, `offset ${at}`);
  }
});

t.test('what begins like a header and is another protocol is bad where it departs', async t => {
  const cases = [
    { name: 'HTTP/2 preface', text: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', more: 2 },
    { name: 'POST', text: 'POST / HTTP/1.1\r\n', more: 1 },
    { name: 'PROPFIND', text: 'PROPFIND / HTTP/1.1\r\n', more: 3 },
    { name: 'blank lines before a request', text: '\r\n\r\nGET / HTTP/1.1\r\n', more: 4 },
    { name: 'no space behind PROXY', text: 'PROXYTCP4 192.0.2.1 192.0.2.2 1 2\r\n', more: 5 },
    { name: 'lower case', text: 'proxy tcp4 192.0.2.1 192.0.2.2 1 2\r\n', more: 0 },
    { name: 'a space first', text: ' PROXY UNKNOWN\r\n', more: 0 },
    { name: 'an end of line too soon', text: 'PROX\r\n', more: 4 },
  ];
  for (const { name, text, more } of cases) {
    const bytes = fromText(text);
    t.strictSame(decodeProxyHeader(bytes.subarray(0, more)), { kind: 'more' }, `${name}: ${more} bytes`);
    const expected = { kind: 'bad', code: 'header-missing' };
    t.strictSame(decodeProxyHeader(bytes.subarray(0, more + 1)), expected, `${name}: ${more + 1} bytes`);
    t.strictSame(decodeProxyHeader(bytes), expected, `${name}: whole`);
  }
});

t.test('the default cap is the fixed part and 4096 bytes', async t => {
  t.equal(DEFAULT_MAX_BYTES, 4112);
});
