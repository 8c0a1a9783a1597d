import t from 'tap';
import {
  CHUNKED,
  declaredFraming,
  type Framing,
  NO_BODY,
  responseFraming,
  UNTIL_CLOSE,
} from '../../src/http/framing.js';

interface Case {
  readonly name: string;
  readonly lengths?: readonly string[];
  readonly codings?: readonly string[];
  readonly minor?: 0 | 1;
  readonly expect: ReturnType<typeof declaredFraming>;
}

const length = (count: number): Framing => ({ kind: 'length', length: count });

/** RFC 9112 6.1 (transfer codings), 6.2 (lengths) and 6.3 (which of them counts). */
const cases: readonly Case[] = [
  { name: 'nothing declared', expect: undefined },
  { name: 'nothing declared in HTTP/1.0', minor: 0, expect: undefined },
  { name: 'a length', lengths: ['5'], expect: length(5) },
  { name: 'a length in HTTP/1.0', lengths: ['5'], minor: 0, expect: length(5) },
  { name: 'length 0', lengths: ['0'], expect: length(0) },
  { name: 'leading zeros', lengths: ['0005'], expect: length(5) },
  { name: '15 digits', lengths: ['999999999999999'], expect: length(999_999_999_999_999) },
  { name: '16 digits', lengths: ['1000000000000000'], expect: 'content-length-invalid' },
  { name: '2^64 + 5', lengths: ['18446744073709551621'], expect: 'content-length-invalid' },
  { name: 'empty', lengths: [''], expect: 'content-length-invalid' },
  { name: 'a sign', lengths: ['+5'], expect: 'content-length-invalid' },
  { name: 'negative', lengths: ['-5'], expect: 'content-length-invalid' },
  { name: 'hexadecimal', lengths: ['0x5'], expect: 'content-length-invalid' },
  { name: 'letters', lengths: ['five'], expect: 'content-length-invalid' },
  { name: 'a fraction', lengths: ['5.0'], expect: 'content-length-invalid' },
  { name: 'a space inside', lengths: ['5 5'], expect: 'content-length-invalid' },
  { name: 'a list of equal lengths', lengths: ['5, 5'], expect: 'content-length-invalid' },
  { name: 'a list of different lengths', lengths: ['5,6'], expect: 'content-length-invalid' },
  { name: 'repeated and equal', lengths: ['5', '5'], expect: 'framing-ambiguous' },
  { name: 'repeated and different', lengths: ['5', '6'], expect: 'framing-ambiguous' },
  { name: 'repeated, one malformed', lengths: ['5', 'x'], expect: 'framing-ambiguous' },
  { name: 'chunked', codings: ['chunked'], expect: CHUNKED },
  { name: 'chunked in another case', codings: ['ChUnKeD'], expect: CHUNKED },
  { name: 'chunked in HTTP/1.0', codings: ['chunked'], minor: 0, expect: 'framing-ambiguous' },
  { name: 'chunked and a length', codings: ['chunked'], lengths: ['5'], expect: 'framing-ambiguous' },
  { name: 'chunked and length 0', codings: ['chunked'], lengths: ['0'], expect: 'framing-ambiguous' },
  { name: 'chunked and an empty length', codings: ['chunked'], lengths: [''], expect: 'framing-ambiguous' },
  { name: 'another coding and a length', codings: ['gzip'], lengths: ['5'], expect: 'framing-ambiguous' },
  { name: 'an empty coding and a length', codings: [''], lengths: ['5'], expect: 'framing-ambiguous' },
  { name: 'empty', codings: [''], expect: 'transfer-coding-invalid' },
  { name: 'identity', codings: ['identity'], expect: 'transfer-coding-invalid' },
  { name: 'gzip', codings: ['gzip'], expect: 'transfer-coding-invalid' },
  { name: 'gzip, then chunked', codings: ['gzip, chunked'], expect: 'transfer-coding-invalid' },
  { name: 'chunked, then gzip', codings: ['chunked, gzip'], expect: 'transfer-coding-invalid' },
  { name: 'identity, then chunked', codings: ['identity, chunked'], expect: 'transfer-coding-invalid' },
  { name: 'chunked twice in a list', codings: ['chunked, chunked'], expect: 'transfer-coding-invalid' },
  { name: 'chunked twice', codings: ['chunked', 'chunked'], expect: 'transfer-coding-invalid' },
  { name: 'chunked and identity', codings: ['chunked', 'identity'], expect: 'transfer-coding-invalid' },
  { name: 'xchunked', codings: ['xchunked'], expect: 'transfer-coding-invalid' },
  { name: 'chunkedx', codings: ['chunkedx'], expect: 'transfer-coding-invalid' },
  { name: 'chunk', codings: ['chunk'], expect: 'transfer-coding-invalid' },
  { name: 'chunked with a parameter', codings: ['chunked;q=1'], expect: 'transfer-coding-invalid' },
  { name: 'chunked in quotes', codings: ['"chunked"'], expect: 'transfer-coding-invalid' },
  { name: 'chunked and an empty member', codings: ['chunked,'], expect: 'transfer-coding-invalid' },
  { name: 'an empty member and chunked', codings: [',chunked'], expect: 'transfer-coding-invalid' },
  { name: 'chunked and a no-break space', codings: ['chunked\u00a0'], expect: 'transfer-coding-invalid' },
];

t.test('the fields of a message frame its body in one way, or not at all (RFC 9112 6.3)', async t => {
  for (const { name, lengths = [], codings = [], minor = 1, expect } of cases) {
    t.strictSame(declaredFraming(lengths, codings, minor), expect, name);
  }
});

t.test('a response has a body or none by its status and its request (RFC 9112 6.3)', async t => {
  for (const declared of [undefined, CHUNKED, length(5)]) {
    for (const status of [100, 101, 103, 199, 204, 304]) {
      t.equal(responseFraming(status, false, declared), NO_BODY, `${status}`);
    }
    t.equal(responseFraming(200, true, declared), NO_BODY, 'the answer to HEAD');
    for (const status of [200, 201, 205, 206, 301, 400, 500, 999]) {
      t.equal(responseFraming(status, false, declared), declared ?? UNTIL_CLOSE, `${status}`);
    }
  }
});
