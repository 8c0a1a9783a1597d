/** A bounded run of the differential fuzz; `fuzz-long.ts` is the endless one. */
import t from 'tap';
import { compare, fuzz, newTally, type Side } from './fuzz-compare.js';

const SEED = Number(process.env['USHER_FUZZ_SEED'] ?? 20_261_123);
const CASES = Number(process.env['USHER_FUZZ_CASES'] ?? 40_000);

t.test('usher and Node read the same messages, or usher refuses', async t => {
  t.comment(`USHER_FUZZ_SEED=${SEED} USHER_FUZZ_CASES=${CASES}`);
  const tally = newTally();
  await fuzz(SEED, 0, CASES, tally);
  t.strictSame(tally.findings, []);
  t.comment(`${tally.messages} messages that both understood whole`);
  t.ok(tally.messages * 2 > CASES, 'the generator makes enough that both understand');
  for (const verdict of [
    'more',
    'end',
    'bad',
    'bad-trailer',
    'framing-ambiguous',
    'line-ending-invalid',
    'host-missing',
  ]) {
    t.ok(tally.verdicts.has(verdict), `some cases end in ${verdict}`);
  }
});

t.test('the comparison does see what it looks for', async t => {
  const agreed: readonly (readonly [side: Side, text: string])[] = [
    [
      'request',
      'POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\nA: b\r\n\r\nGET / HTTP/1.0\r\n\r\n',
    ],
    ['request', 'GET http://b?x HTTP/1.1\r\nHost: a\r\nA: \xe9 \t\r\n\r\n'],
    ['response', 'HTTP/1.1 103 \r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx'],
    ['response', 'HTTP/1.1 200 OK\r\n\r\nuntil close'],
    ['response to HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n'],
  ];
  for (const [side, text] of agreed) {
    const { usher, node, difference } = await compare(side, text);
    t.equal(difference, undefined, text);
    t.strictSame(usher.messages, node.messages, text);
    t.ok(usher.messages.length > 0);
  }
});
