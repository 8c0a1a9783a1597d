import t from 'tap';
import { decodeProxyHeader } from '../../src/proxy-header/decode.js';
import { fromText, V1_TCP4, V1_UNKNOWN } from '../fixtures/proxy-headers.js';

const decode = (text: string, maxBytes?: number) => decodeProxyHeader(fromText(text), maxBytes);
const isBad = { kind: 'bad', code: 'header-malformed' } as const;

/** `source:port > destination:port` of a line, or the kind of answer. */
function ends(text: string): string {
  const answer = decode(text);
  if (answer.kind !== 'header') return answer.kind;
  const { source, destination } = answer.header;
  return `${source?.address} ${source?.port} > ${destination?.address} ${destination?.port}`;
}

t.test('a line names the client and the destination (PP 2.1)', async t => {
  const cases = [
    ['PROXY TCP4 192.0.2.1 192.0.2.2 123 5678\r\nGET / HTTP/1.1\r\n', '192.0.2.1 123 > 192.0.2.2 5678'],
    ['PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n', '255.255.255.255 65535 > 255.255.255.255 65535'],
    ['PROXY TCP4 10.0.0.1 10.0.0.1 0 0\r\n', '10.0.0.1 0 > 10.0.0.1 0'],
    ['PROXY TCP6 2001:Db8::1 2001:DB8:0:0:0:0:0:2 1 2\r\n', '2001:db8::1 1 > 2001:db8::2 2'],
    ['PROXY TCP6 ::1 fe80::1 1 2\r\n', '::1 1 > fe80::1 2'],
    ['PROXY TCP6 ::ffff:1.2.3.4 ::FFFF:102:305 1 2\r\n', '1.2.3.4 1 > 1.2.3.5 2'],
    ['PROXY TCP6 2001:db8::9 ::ffff:1.2.3.4 1 2\r\n', '2001:db8::9 1 > 1.2.3.4 2'],
    ['PROXY TCP6 64:ff9b::192.0.2.33 ff:1::2 1 2\r\n', '64:ff9b::c000:221 1 > ff:1::2 2'],
  ] as const;
  for (const [text, expected] of cases) t.equal(ends(text), expected, text);
});

t.test('UNKNOWN is taken with any printable text behind it (PP 2.1)', async t => {
  for (const text of ['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN 1 2 3 4 5 6\r\n', 'PROXY UNKNOWN \r\n']) {
    t.strictSame(decode(text), { kind: 'header', header: V1_UNKNOWN, length: text.length }, text);
  }
});

t.test('a line that breaks the grammar is malformed (PP 2.1)', async t => {
  const cases: readonly (readonly [name: string, text: string])[] = [
    ['bare LF', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n'],
    ['bare LF of UNKNOWN', 'PROXY UNKNOWN\n'],
    ['CR and another byte', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\rX'],
    ['CR and CR LF', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n'],
    ['CR inside UNKNOWN', 'PROXY UNKNOWN a\rb\r\n'],
    ['family in lower case', 'PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n'],
    ['UNKNOWN in lower case', 'PROXY unknown\r\n'],
    ['two spaces behind PROXY', 'PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n'],
    ['two spaces between fields', 'PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n'],
    ['a tab', 'PROXY TCP4\t192.0.2.1 192.0.2.2 1 2\r\n'],
    ['a space at the end', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n'],
    ['a field too many', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2 x\r\n'],
    ['a field too few', 'PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n'],
    ['no ports', 'PROXY TCP4 192.0.2.1 192.0.2.2\r\n'],
    ['no destination', 'PROXY TCP4 192.0.2.1\r\n'],
    ['a family alone', 'PROXY TCP4\r\n'],
    ['no family', 'PROXY \r\n'],
    ['an IPv6 address in TCP4', 'PROXY TCP4 2001:db8::1 192.0.2.2 1 2\r\n'],
    ['a mapped address in TCP4', 'PROXY TCP4 ::ffff:1.2.3.4 192.0.2.2 1 2\r\n'],
    ['an IPv4 address in TCP6', 'PROXY TCP6 1.2.3.4 2001:db8::1 1 2\r\n'],
    ['an IPv4 destination in TCP6', 'PROXY TCP6 2001:db8::1 1.2.3.4 1 2\r\n'],
    ['a zone id', 'PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n'],
    ['brackets', 'PROXY TCP6 [::1] ::1 1 2\r\n'],
    ['an octet of 256', 'PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n'],
    ['an octet of 999', 'PROXY TCP4 999.2.3.4 192.0.2.2 1 2\r\n'],
    ['an octet with a leading zero', 'PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n'],
    ['three octets', 'PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n'],
    ['a hexadecimal octet', 'PROXY TCP4 0xc0.0.2.1 192.0.2.2 1 2\r\n'],
    ['port 65536', 'PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n'],
    ['port 70000', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 70000\r\n'],
    ['a negative port', 'PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n'],
    ['a port with a sign', 'PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n'],
    ['a port with leading zeros', 'PROXY TCP4 192.0.2.1 192.0.2.2 00080 2\r\n'],
    ['an empty port', 'PROXY TCP4 192.0.2.1 192.0.2.2  2\r\n'],
    ['an empty last port', 'PROXY TCP4 192.0.2.1 192.0.2.2 1 \r\n'],
    ['UDP4', 'PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n'],
    ['letters behind UNKNOWN', 'PROXY UNKNOWNX\r\n'],
    ['the unspecified source', 'PROXY TCP4 0.0.0.0 192.0.2.2 1 2\r\n'],
    ['the unspecified destination', 'PROXY TCP6 2001:db8::1 :: 1 2\r\n'],
    ['the unspecified address, mapped', 'PROXY TCP6 ::ffff:0.0.0.0 ::1 1 2\r\n'],
    ['multicast, first of IPv4', 'PROXY TCP4 224.0.0.0 192.0.2.2 1 2\r\n'],
    ['multicast, last of IPv4', 'PROXY TCP4 192.0.2.1 239.255.255.255 1 2\r\n'],
    ['multicast of IPv6', 'PROXY TCP6 ff02::1 2001:db8::1 1 2\r\n'],
    ['NUL', 'PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n'],
    ['NUL in UNKNOWN', 'PROXY UNKNOWN \0\r\n'],
    ['a byte that is not ASCII in UNKNOWN', 'PROXY UNKNOWN \xff\r\n'],
  ];
  for (const [name, text] of cases) {
    t.strictSame(decode(text), isBad, name);
    const kinds = Array.from(text, (_, index) => decode(text.slice(0, index + 1)).kind);
    const turn = kinds.indexOf('bad');
    t.ok(
      kinds.every((kind, index) => kind === (index < turn ? 'more' : 'bad')),
      `${name}: no prefix turns good`,
    );
  }
});

t.test('a line is bad with the first byte that makes it impossible', async t => {
  const cases = [
    ['PROXY T', 'C', 'D'],
    ['PROXY ', 'U', 'u'],
    ['PROXY TCP', '4', '5'],
    ['PROXY TCP4', ' ', 'X'],
    ['PROXY TCP4 25', '5', '6'],
    ['PROXY TCP4 1', '.', ':'],
    ['PROXY TCP4 1.2.3', '.', ' '],
    ['PROXY TCP4 1.2.3.4', ' ', '.'],
    ['PROXY TCP6 2001:db8', ':', '.'],
    ['PROXY TCP6 2001:db8:', ':', ' '],
    ['PROXY TCP6 1::2:', '3', ':'],
    ['PROXY TCP6 1:2:3:4:5:6:7', ':', ' '],
    ['PROXY TCP6 1:2:3:4:5:6:7:8', ' ', ':'],
    ['PROXY TCP6 abcd', ':', 'e'],
    ['PROXY TCP6 ::ffff:1', '.', ','],
    ['PROXY TCP4 10.0.0.1 10.0.0.2 6553', '5', '6'],
    ['PROXY TCP4 10.0.0.1 10.0.0.2 0', ' ', '0'],
    ['PROXY TCP4 10.0.0.1 10.0.0.2 1 2', '\r', '\n'],
    ['PROXY TCP4 10.0.0.1 10.0.0.2 1 2', '3', ' '],
    ['PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r', '', '\r'],
    ['PROXY UNKNOWN', ' ', 'X'],
    ['PROXY UNKNOWN a', 'b', '\x07'],
  ] as const;
  for (const [begin, good, wrong] of cases) {
    t.strictSame(decode(begin), { kind: 'more' }, begin);
    t.strictSame(decode(begin + good), { kind: 'more' }, `${begin}${good}`);
    t.strictSame(decode(begin + wrong), isBad, JSON.stringify(begin + wrong));
  }
});

t.test('no line is longer than 107 bytes (PP 2.1)', async t => {
  const unknown = (length: number) => `PROXY UNKNOWN${' '.repeat(length - 15)}\r\n`;
  const tooLong = { kind: 'bad', code: 'header-too-long' };
  t.equal(unknown(107).length, 107);
  t.strictSame(decode(unknown(107)), { kind: 'header', header: V1_UNKNOWN, length: 107 });
  t.strictSame(decode(unknown(108)), tooLong, 'CR is byte 107');
  t.strictSame(decode(unknown(108).slice(0, 107)), tooLong, 'at byte 107, not at the timeout');
  t.strictSame(decode(unknown(109)), tooLong);
  t.strictSame(decode(unknown(107).slice(0, 106)), { kind: 'more' });
  t.strictSame(decode(unknown(300).slice(0, 106)), { kind: 'more' });
  t.strictSame(decode(unknown(300).slice(0, 107)), tooLong, 'without any end of line');
  const quad = '0000:0000:0000:0000:0000:ffff:255.255.255.255';
  t.strictSame(decode(`PROXY TCP6 ${quad} ${quad} 65535 65535\r\n`), tooLong, 'a correct line of 116 bytes');
});

t.test('a smaller cap of the listener holds for lines too', async t => {
  const text = 'PROXY TCP4 203.0.113.9 10.0.1.20 51234 443\r\n';
  const tooLong = { kind: 'bad', code: 'header-too-long' };
  t.strictSame(decode(text, text.length), { kind: 'header', header: V1_TCP4.header, length: text.length });
  t.strictSame(decode(text, text.length - 1), tooLong);
  t.strictSame(decode(text, 20), tooLong);
  t.strictSame(decode(text, 3), tooLong);
});
