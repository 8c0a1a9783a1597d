import { isIP, isIPv4, isIPv6 } from 'node:net';
import fc from 'fast-check';
import t from 'tap';
import {
  canonicalAddress,
  cidrContains,
  formatAddress,
  formatHostPort,
  formatIpv6,
  parseAddress,
  parseCidr,
} from '../src/address.js';

const SEED = { seed: 20_260_801, numRuns: 2000 };
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const address = fc.oneof(
  bytes(4),
  bytes(16),
  // many zero groups, so that every kind of run occurs
  fc.array(fc.constantFrom(0, 0, 0, 1, 0xab), { minLength: 16, maxLength: 16 }).map(list => Uint8Array.from(list)),
);

t.test('every address has one canonical text (RFC 5952 4)', async t => {
  const cases = [
    ['0.0.0.0', '0.0.0.0'],
    ['255.255.255.255', '255.255.255.255'],
    ['::', '::'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8::9', '2001:db8::9'],
    ['2001:0db8:0000:0000:0000:0000:0000:0009', '2001:db8::9'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6::', '1:2:3:4:5:6::'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['::FFFF:102:304', '1.2.3.4'],
    ['0:0:0:0:0:ffff:1.2.3.4', '1.2.3.4'],
    ['::1.2.3.4', '::102:304'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
    ['::fffe:1.2.3.4', '::fffe:102:304'],
    ['1::ffff:1.2.3.4', '1::ffff:102:304'],
    ['::1:0:0:ffff:1.2.3.4', '::1:0:0:ffff:102:304'],
  ] as const;
  for (const [text, canonical] of cases) t.equal(canonicalAddress(text), canonical, text);
});

t.test('what is not an address is undefined', async t => {
  const texts = [
    ...['', '.', '...', '1', '1.2', '1.2.3', '1.2.3.', '.1.2.3', '1..2.3', '1.2.3.4.', '1.2.3.4.5', '256.1.1.1'],
    ...['1.2.3.256', '1.2.3.1000', '01.2.3.4', '1.2.3.00', '1.2.3.4 ', ' 1.2.3.4', '1.2.3.-4', '+1.2.3.4', '0x1.2.3.4'],
    ...['1.2.3.4/8', '1.2.3.4:80', '１.2.3.4', 'localhost', '1,2,3,4'],
    ...[':', ':::', '::::', '1:', ':1', '1:2', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8:', '1::2::3'],
    ...[
      '1:2:3:4::5:6:7:8',
      ':1:2:3:4:5:6:7:8',
      '1:::2',
      '12345::',
      '::g',
      '::1%eth0',
      '[::1]',
      '::1/64',
      '::1 ',
      ' ::1',
    ],
    ...['::1.2.3', '::1.2.3.4.5', '::1.2.3.256', '::01.2.3.4', '1.2.3.4::', '::1.2.3.4:5', '::1.2.3.4::'],
    ...[
      '1:2:3:4:5:6:7:1.2.3.4',
      '1:2:3:4:5:1.2.3.4',
      '::1:2:3:4:5:6:7:1.2.3.4',
      ':1.2.3.4',
      '::.1.2.3',
      '::-1',
      '1:2:',
    ],
  ];
  for (const text of texts) {
    t.equal(parseAddress(text), undefined, JSON.stringify(text));
    t.equal(canonicalAddress(text), undefined);
  }
});

t.test('Node and the URL standard agree about formatting', async t => {
  fc.assert(
    fc.property(address, bytes => {
      const text = formatAddress(bytes);
      if (text.includes(':')) return isIPv6(text) && new URL(`http://[${text}]/`).hostname === `[${text}]`;
      return isIPv4(text) && new URL(`http://${text}/`).hostname === text;
    }),
    SEED,
  );
  t.pass();
});

t.test('what is formatted parses to the same bytes', async t => {
  fc.assert(
    fc.property(address, bytes => {
      const parsed = parseAddress(formatAddress(bytes));
      return parsed !== undefined && Buffer.compare(parsed, bytes.subarray(-parsed.length)) === 0;
    }),
    SEED,
  );
  t.pass();
});

t.test('Node agrees about what is an address', async t => {
  const text = fc.string({ unit: fc.constantFrom(...':::::...0125afF'), maxLength: 24 });
  const near = fc.tuple(address, fc.nat(), fc.constantFrom('', ':', '::', '.', '0', '1')).map(([bytes, at, piece]) => {
    const written = formatAddress(bytes);
    const cut = at % (written.length + 1);
    return written.slice(0, cut) + piece + written.slice(cut + 1);
  });
  fc.assert(
    fc.property(fc.oneof(text, near), text => (parseAddress(text) !== undefined) === isIP(text) > 0),
    { ...SEED, numRuns: 20_000 },
  );
  t.pass();
});

t.test('formatting takes 4 or 16 bytes and nothing else', async t => {
  for (const length of [0, 3, 5, 15, 17]) t.throws(() => formatAddress(new Uint8Array(length)), RangeError);
  t.throws(() => formatIpv6(new Uint8Array(16), 1), RangeError);
  t.equal(formatAddress(Buffer.from('xx\x01\x02\x03\x04').subarray(2)), '1.2.3.4');
});

t.test('a range is written in canonical text, its host bits cleared', async t => {
  const cases = [
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.255.255.255/9', '10.128.0.0/9'],
    ['1.2.3.4', '1.2.3.4/32'],
    ['1.2.3.4/32', '1.2.3.4/32'],
    ['1.2.3.4/0', '0.0.0.0/0'],
    ['2001:DB8:FFFF::1/33', '2001:db8:8000::/33'],
    ['::1', '::1/128'],
    ['ff00::/0', '::/0'],
    ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
    ['::ffff:0:0/96', '0.0.0.0/0'],
    ['::ffff:1.2.3.4', '1.2.3.4/32'],
    ['::ffff:1.2.3.4/128', '1.2.3.4/32'],
  ] as const;
  for (const [text, canonical] of cases) t.equal(parseCidr(text)?.text, canonical, text);
});

t.test('what is not a range is undefined', async t => {
  const texts = [
    ...['', '/', '/8', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/08', '10.0.0.0/8/8', '10.0.0.0/ 8'],
    ...['10.0.0.0/0x8', '10.0.0.0/255.0.0.0', '10/8', '::/129', '::/1000', 'a.example/8', '[::]/0', '10.0.0.0/8.5'],
    ...['::ffff:10.0.0.0/95', '::ffff:10.0.0.0/8', '::ffff:10.0.0.0/129'],
  ];
  for (const text of texts) t.equal(parseCidr(text), undefined, text);
});

t.test('a range holds its addresses, from its first to its last', async t => {
  const cases = [
    {
      range: '10.0.0.0/8',
      inside: ['10.0.0.0', '10.255.255.255', '::ffff:10.0.1.5'],
      outside: ['9.255.255.255', '11.0.0.0'],
    },
    { range: '10.128.0.0/9', inside: ['10.128.0.0', '10.255.0.1'], outside: ['10.127.255.255', '::'] },
    { range: '1.2.3.4', inside: ['1.2.3.4'], outside: ['1.2.3.5', '1.2.3.3', '::1.2.3.4'] },
    { range: '0.0.0.0/0', inside: ['0.0.0.0', '255.255.255.255'], outside: ['::', '::1'] },
    { range: '::/0', inside: ['::', 'ff02::1'], outside: ['1.2.3.4', '::ffff:1.2.3.4'] },
    { range: '2001:db8::/33', inside: ['2001:db8:7fff::1'], outside: ['2001:db8:8000::', '2001:db9::'] },
    { range: '::ffff:10.0.0.0/104', inside: ['10.1.2.3'], outside: ['11.1.2.3'] },
  ];
  for (const { range, inside, outside } of cases) {
    const holds = (text: string) => {
      const cidr = parseCidr(range);
      const bytes = parseAddress(text);
      return cidr !== undefined && bytes !== undefined && cidrContains(cidr, bytes);
    };
    for (const text of inside) t.equal(holds(text), true, `${text} in ${range}`);
    for (const text of outside) t.equal(holds(text), false, `${text} not in ${range}`);
  }
});

t.test('host and port stand together, IPv6 in brackets', async t => {
  t.equal(formatHostPort('1.2.3.4', 80), '1.2.3.4:80');
  t.equal(formatHostPort('2001:db8::9', 443), '[2001:db8::9]:443');
  t.equal(formatHostPort('localhost', 3000), 'localhost:3000');
});
