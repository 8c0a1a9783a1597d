import t from 'tap';
import { Fields } from '../../src/http/fields.js';
import { byteAt, FIELD_CONTENT, isHost, parseLength, TARGET, TOKEN } from '../../src/http/grammar.js';
import { CONTENT, charsLike, charsWhere, TCHAR } from './cuts.js';

/** The characters that a table says yes to. */
function membersOf(table: Uint8Array): string {
  return charsWhere(char => table[char.charCodeAt(0)] === 1);
}

t.test('the tables hold what the grammars say, for all 256 bytes', async t => {
  t.equal(membersOf(TOKEN), charsLike(TCHAR), 'tchar (RFC 9110 5.6.2)');
  t.equal(membersOf(FIELD_CONTENT), charsLike(CONTENT), 'field content (RFC 9110 5.5)');
  t.equal(membersOf(TARGET), charsLike(/[!"$-;=?-[\]-~]/), 'request target (RFC 9112 3.2)');
  for (const table of [TOKEN, FIELD_CONTENT, TARGET]) t.equal(table.length, 256);
});

t.test('a host is a name or an address, with a port or without (RFC 9110 7.2)', async t => {
  const good = [
    'a',
    'example.com',
    'EXAMPLE.com.',
    'example.com:80',
    'example.com:0',
    'a:65535',
    '127.0.0.1:8080',
    '[::1]',
    '[::1]:443',
    '[2001:db8::9]',
    '[::ffff:1.2.3.4]:1',
    'a:',
    '[::1]:',
    'a:00080',
    'a:9999',
    'a:59999',
    'a:64999',
    'a:65499',
    'a:65529',
    '%e2%82%AC',
    'a%2e',
    "a-._~!$&'()*+,;=%41",
    '0',
  ];
  for (const text of good) t.equal(isHost(text), true, text);
});

t.test('everything else is no host', async t => {
  const bad = [
    '',
    ':',
    ':80',
    '%',
    'a%4',
    'a%4g',
    'a%%41',
    '%:80',
    '[::1%25]',
    'a::',
    'a:65536',
    'a:65540',
    'a:65600',
    'a:66000',
    'a:70000',
    'a:99999',
    'a:000080',
    'a:123456',
    'a:8o',
    'a:-1',
    'a:80:80',
    'a b',
    ' a',
    'a ',
    'a\t',
    'user@a',
    'user:pass@a',
    '@',
    'a/b',
    'a?b',
    'a#b',
    'a\\b',
    'a"b',
    'a<b',
    '::1',
    '[::1',
    '::1]',
    '[]',
    '[::1]x',
    '[fe80::1%25eth0]',
    '[g::1]',
    'http://a',
    'a\u00e9',
    'a\0',
    'a\r\nX: y',
    'a\n',
    'a\n:80',
  ];
  for (const text of bad) t.equal(isHost(text), false, JSON.stringify(text));
});

t.test('a host holds no byte that could leave its field, its quotes or its URL', async t => {
  t.equal(
    charsWhere(char => isHost(`a${char}b`)),
    charsLike(/[A-Za-z0-9\-._~!$&'()*+,;=]/),
  );
});

t.test('a length is 1 to 15 digits (RFC 9110 8.6)', async t => {
  const cases: readonly (readonly [text: string, length: number | undefined])[] = [
    ['0', 0],
    ['5', 5],
    ['00', 0],
    ['007', 7],
    ['999999999999999', 999_999_999_999_999],
    ['1000000000000000', undefined],
    ['0000000000000001', undefined],
    ['18446744073709551616', undefined],
    ['', undefined],
    [' 5', undefined],
    ['5 ', undefined],
    ['5\n', undefined],
    ['+5', undefined],
    ['-5', undefined],
    ['5.0', undefined],
    ['5e1', undefined],
    ['0x5', undefined],
    ['5,5', undefined],
    ['5;5', undefined],
    ['5_0', undefined],
    ['\u0665', undefined],
    ['\u00b2', undefined],
    ['NaN', undefined],
    ['Infinity', undefined],
  ];
  for (const [text, length] of cases) t.equal(parseLength(text), length, JSON.stringify(text));
});

t.test('what stands outside is in no table and has no text', async t => {
  const bytes = Buffer.from('a');
  t.equal(byteAt(bytes, 0), 0x61);
  for (const at of [-1, 1]) {
    t.equal(byteAt(bytes, at), 0);
  }
  t.equal(new Fields('A: b\r\n', 0, [0, 1, 3, 4, 6], [undefined]).name(1), '');
  for (const table of [TOKEN, FIELD_CONTENT, TARGET]) t.equal(table[0], 0);
});
