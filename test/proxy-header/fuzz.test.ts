/**
 * Properties and fuzz. A failing run prints its seed; the seeds below make runs repeatable.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { formatAddress } from '../../src/address.js';
import { decodeProxyHeader } from '../../src/proxy-header/decode.js';
import { describeHeader } from '../../src/proxy-header/describe.js';
import { encodeV1, encodeV2 } from '../../src/proxy-header/encode.js';
import type { Decoded } from '../../src/proxy-header/header.js';
import { sniff } from '../../src/proxy-header/sniff.js';
import { sslOf } from '../../src/proxy-header/tlv.js';
import { concat, fromText, goodHeaders, SIGNATURE, v2 } from '../fixtures/proxy-headers.js';

const SEED = 20_260_801;
const PLAIN = { noNullPrototype: true } as const;
const FUZZ_CASES = 200_000;

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const port = fc.integer({ min: 0, max: 0xffff });
/** Neither unspecified nor multicast, which a v1 line must not name. */
const unicast4 = bytes(4).filter(([first = 0]) => first !== 0 && first >> 4 !== 0xe);
const unicast6 = bytes(16).filter(([first = 0]) => first !== 0 && first !== 0xff);
const address = fc.oneof(unicast4, unicast6).map(formatAddress);
const socketAddress = fc.record({ address, port }, PLAIN);
const endsOfConnection = fc.record({ source: socketAddress, destination: socketAddress }, PLAIN);
const tlvs = fc.array(
  fc.record(
    {
      type: fc.integer({ min: 0, max: 255 }).filter(type => type !== 3),
      value: fc.uint8Array({ maxLength: 40 }),
    },
    PLAIN,
  ),
  { maxLength: 6 },
);

const runs = (numRuns: number) => ({ seed: SEED, numRuns });

/** Once an answer is not `more`, more bytes never change it. */
function agree(before: Decoded, after: Decoded): boolean {
  return before.kind === 'more' || isDeepStrictEqual(before, after);
}

function holdsAtEveryCut(all: Uint8Array): boolean {
  let before = decodeProxyHeader(all.subarray(0, 0));
  for (let length = 1; length <= all.length; length += 1) {
    const after = decodeProxyHeader(all.subarray(0, length));
    if (!agree(before, after)) return false;
    before = after;
  }
  return true;
}

t.test('what is encoded as v1 decodes to the same ends', async t => {
  fc.assert(
    fc.property(endsOfConnection, ends => {
      const line = encodeV1(ends);
      const answer = decodeProxyHeader(concat(line, fromText('GET')));
      return answer.kind === 'header' && answer.length === line.length && isDeepStrictEqual(endsOf(answer), ends);
    }),
    runs(1000),
  );
  t.pass();
});

function endsOf(answer: Decoded) {
  return answer.kind === 'header' && { source: answer.header.source, destination: answer.header.destination };
}

t.test('what is encoded as v2 decodes to the same ends and TLVs, at every cut', async t => {
  fc.assert(
    fc.property(endsOfConnection, tlvs, fc.boolean(), (ends, list, crc32c) => {
      const block = encodeV2({ command: 'PROXY', ...ends, tlvs: list, crc32c });
      const answer = decodeProxyHeader(concat(block, fromText('GET')));
      if (answer.kind !== 'header' || answer.length !== block.length) return false;
      const read = answer.header.tlvs.filter(({ type }) => type !== 3);
      return isDeepStrictEqual(endsOf(answer), ends) && isDeepStrictEqual(read, list) && holdsAtEveryCut(block);
    }),
    runs(300),
  );
  t.pass();
});

t.test('no beginning of a correct v1 line is taken for a bad one', async t => {
  fc.assert(
    fc.property(endsOfConnection, ends => {
      const line = encodeV1(ends);
      return line.every((_, length) => decodeProxyHeader(line.subarray(0, length)).kind === 'more');
    }),
    runs(300),
  );
  t.pass();
});

t.test('random bytes never throw, and the answer does not depend on how they are cut', async t => {
  const tail = fc.uint8Array({ maxLength: 150 });
  const text = fc.string({ unit: fc.constantFrom(...'TCP46UNKOW 01259af:.\r\n\0'), maxLength: 120 });
  const input = fc.oneof(
    tail,
    tail.map(rest => concat(SIGNATURE, rest)),
    tail.map(rest => v2(0x21, 0x11, rest)),
    tail.map(rest => v2(0x20, 0x11, rest)),
    tail.map(rest => v2(0x21, 0x00, rest)),
    text.map(rest => fromText(`PROXY ${rest}`)),
    text.map(rest => fromText(`PROXY TCP4 ${rest}`)),
    text.map(rest => fromText(`PROXY TCP6 ${rest}`)),
  );
  fc.assert(fc.property(input, holdsAtEveryCut), runs(3000));
  t.pass();
});

/** A small generator of repeatable numbers below 1 (mulberry32). */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

t.test('200,000 mutated headers never throw, and the answer does not depend on a cut', async t => {
  const random = makeRandom(SEED);
  const below = (limit: number) => Math.floor(random() * limit);
  const seen = new Map<string, number>();
  const failures: string[] = [];
  for (let count = 0; count < FUZZ_CASES; count += 1) {
    const { bytes } = goodHeaders[below(goodHeaders.length)] ?? { bytes: SIGNATURE };
    const mutant = Uint8Array.from(bytes);
    for (let left = 1 + below(3); left > 0; left -= 1) mutant[below(mutant.length)] = below(256);
    const whole = decodeProxyHeader(mutant);
    const cut = decodeProxyHeader(mutant.subarray(0, below(mutant.length + 1)));
    if (!agree(cut, whole)) failures.push(Buffer.from(mutant).toString('hex'));
    if (whole.kind === 'header') JSON.stringify([describeHeader(whole.header, whole.length), sslOf(whole.header)]);
    sniff(mutant);
    const verdict = whole.kind === 'bad' ? whole.code : whole.kind;
    seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
  }
  t.strictSame(failures, []);
  t.ok(seen.size >= 10, `the mutants reach every answer: ${JSON.stringify(Object.fromEntries(seen))}`);
});
