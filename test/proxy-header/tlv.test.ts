import t from 'tap';
import { decodeProxyHeader } from '../../src/proxy-header/decode.js';
import { encodeV2 } from '../../src/proxy-header/encode.js';
import { describeTlv, sslOf, sslTlvTypes, tlvTypes } from '../../src/proxy-header/tlv.js';
import { AZURE_LINK, concat, fromHex, fromText, GCP_PSC, LOCAL, PRIVATE_LINK, tlv } from '../fixtures/proxy-headers.js';

const EMPTY = new Uint8Array();
const vpce = (text: string) => tlv(tlvTypes.AWS, concat(Uint8Array.of(1), fromText(text)));

/** The value of an SSL TLV: bits, verify, TLVs. */
function ssl(client: number, verify: string, inside = ''): Uint8Array {
  return concat(Uint8Array.of(client), fromHex(verify), fromHex(inside));
}

t.test('each known type has its name and its form', async t => {
  const cases = [
    { tlv: tlv(0x01, fromText('h2')), type: '0x01', name: 'ALPN', length: 2, text: 'h2' },
    { tlv: tlv(0x02, fromText('chat.example')), type: '0x02', name: 'AUTHORITY', length: 12, text: 'chat.example' },
    { tlv: tlv(0x03, fromHex('bce5951f')), type: '0x03', name: 'CRC32C', length: 4, hex: 'bce5951f' },
    { tlv: tlv(0x04, new Uint8Array(74)), type: '0x04', name: 'NOOP', length: 74 },
    { tlv: tlv(0x05, fromHex('00ff')), type: '0x05', name: 'UNIQUE_ID', length: 2, hex: '00ff' },
    { tlv: tlv(0x30, fromText('blue')), type: '0x30', name: 'NETNS', length: 4, text: 'blue' },
    { tlv: vpce('vpce-08d2'), type: '0xea', name: 'AWS', length: 10, vpceId: 'vpce-08d2' },
    { tlv: tlv(0x06, fromHex('01')), type: '0x06', name: 'UNKNOWN', length: 1, hex: '01' },
    { tlv: tlv(0x21, fromText('a')), type: '0x21', name: 'UNKNOWN', length: 1, hex: '61' },
    { tlv: tlv(0xe1, EMPTY), type: '0xe1', name: 'CUSTOM', length: 0, hex: '' },
    { tlv: tlv(0xf0, EMPTY), type: '0xf0', name: 'EXPERIMENTAL', length: 0, hex: '' },
    { tlv: tlv(0xf8, EMPTY), type: '0xf8', name: 'FUTURE', length: 0, hex: '' },
  ];
  for (const { tlv, ...description } of cases) t.strictSame(describeTlv(tlv), description, description.name);
});

t.test('the ids of the clouds are read from their vectors', async t => {
  const describeAll = (header: { header: { tlvs: readonly Parameters<typeof describeTlv>[0][] } }) =>
    header.header.tlvs.map(describeTlv);
  t.match(describeAll(PRIVATE_LINK)[1], { name: 'AWS', vpceId: 'vpce-08d2bf15fac5001c9' });
  t.strictSame(describeAll(AZURE_LINK), [{ type: '0xee', name: 'AZURE', length: 5, linkId: 0x210045c1 }]);
  const pscConnectionId = '18446744072646845442';
  t.strictSame(describeAll(GCP_PSC), [{ type: '0xe0', name: 'GCP', length: 8, pscConnectionId }]);
});

t.test('a malformed value is hex with a note, and its connection is kept', async t => {
  const cases = [
    { name: 'AWS, empty', tlv: tlv(0xea, EMPTY), hex: '', note: 'no VPC endpoint id' },
    { name: 'AWS, no id', tlv: tlv(0xea, fromHex('01')), hex: '01', note: 'no VPC endpoint id' },
    { name: 'AWS, subtype 2', tlv: tlv(0xea, fromHex('0261')), hex: '0261', note: 'no VPC endpoint id' },
    { name: 'AWS, bad letters', tlv: vpce('vcpe-!?***'), note: 'no VPC endpoint id' },
    { name: 'AWS, CR LF behind', tlv: vpce('vpce-1\r\n'), note: 'no VPC endpoint id' },
    { name: 'Azure, 3 bytes', tlv: tlv(0xee, fromHex('01c145')), hex: '01c145', note: 'no Private Link id' },
    { name: 'Azure, subtype 2', tlv: tlv(0xee, fromHex('0201020304')), note: 'no Private Link id' },
    { name: 'GCP, 3 bytes', tlv: tlv(0xe0, fromHex('010203')), hex: '010203', note: 'not 8 bytes' },
    { name: 'GCP, 9 bytes', tlv: tlv(0xe0, new Uint8Array(9)), note: 'not 8 bytes' },
    { name: 'CRC32C', tlv: tlv(0x03, fromHex('0102')), hex: '0102', note: 'not 4 bytes (PP 2.2.3)' },
    { name: 'SSL', tlv: tlv(0x20, fromHex('01')), hex: '01', note: /too short/ },
    { name: 'AUTHORITY', tlv: tlv(0x02, new Uint8Array(256).fill(0x61)), note: 'longer than 255 bytes' },
    { name: 'UNIQUE_ID', tlv: tlv(0x05, new Uint8Array(129)), note: 'longer than 128 bytes' },
  ];
  for (const { name, tlv: each, ...expected } of cases) {
    t.match(describeTlv(each), expected, name);
    t.equal(decodeProxyHeader(encodeV2({ command: 'LOCAL', tlvs: [each] })).kind, 'header', name);
  }
  t.notOk('note' in describeTlv(tlv(0x02, new Uint8Array(255).fill(0x61))), 'AUTHORITY of 255 bytes is fine');
  t.notOk('note' in describeTlv(tlv(0x05, new Uint8Array(128))), 'UNIQUE_ID of 128 bytes is fine');
});

t.test('no byte of a text reaches a log as it came, unless it is printable ASCII', async t => {
  const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  for (const type of [tlvTypes.ALPN, tlvTypes.AUTHORITY, tlvTypes.NETNS]) {
    t.match(describeTlv(tlv(type, bytes)).text, /^[\x20-\x7e]+$/);
  }
  t.equal(
    describeTlv(tlv(tlvTypes.AUTHORITY, fromText('a\r\nX: b\0\\x00\xe9'))).text,
    'a\\x0d\\x0aX: b\\x00\\\\x00\\xe9',
  );
});

t.test('an SSL TLV says its bits, the verify result and what is inside (PP 2.2.6)', async t => {
  const inside =
    '210007544c5376312e33 220003616c69 2300024145 2400025348 2500015a 2600015a 2700015a 280002 3082 290000';
  const description = describeTlv(tlv(tlvTypes.SSL, ssl(0x05, '00000002', inside)));
  t.strictSame(description, {
    type: '0x20',
    name: 'SSL',
    length: 5 + fromHex(inside).length,
    client: ['SSL', 'CERT_SESS'],
    verify: 2,
    tlvs: [
      { type: '0x21', name: 'SSL_VERSION', length: 7, text: 'TLSv1.3' },
      { type: '0x22', name: 'SSL_CN', length: 3, text: 'ali' },
      { type: '0x23', name: 'SSL_CIPHER', length: 2, text: 'AE' },
      { type: '0x24', name: 'SSL_SIG_ALG', length: 2, text: 'SH' },
      { type: '0x25', name: 'SSL_KEY_ALG', length: 1, text: 'Z' },
      { type: '0x26', name: 'SSL_GROUP', length: 1, text: 'Z' },
      { type: '0x27', name: 'SSL_SIG_SCHEME', length: 1, text: 'Z' },
      { type: '0x28', name: 'SSL_CLIENT_CERT', length: 2, hex: '3082' },
      { type: '0x29', name: 'UNKNOWN', length: 0, hex: '' },
    ],
  });
  t.equal(JSON.stringify(JSON.parse(JSON.stringify(description))), JSON.stringify(description));
});

t.test('an SSL TLV inside an SSL TLV is not followed, however deep', async t => {
  const value = ssl(1, '00000000', '20000501000000 00');
  t.match(describeTlv(tlv(tlvTypes.SSL, value)).tlvs, [{ type: '0x20', name: 'UNKNOWN', hex: '0100000000' }]);
});

t.test('sslOf gives the first SSL TLV, and ignores one that is malformed (PP 2.2.6)', async t => {
  const good = ssl(0x01, '00000000', '210007544c5376312e33');
  const cases = [
    { name: 'none', values: [], expected: undefined },
    { name: 'one', values: [good], expected: { client: 1, verify: 0 } },
    { name: 'without TLVs inside', values: [ssl(0x07, 'ffffffff')], expected: { client: 7, verify: 0xffffffff } },
    { name: 'shorter than 5 bytes', values: [fromHex('01000000')], expected: undefined },
    { name: 'empty', values: [EMPTY], expected: undefined },
    { name: 'a TLV inside too long', values: [ssl(1, '00000000', '21000554')], expected: undefined },
    { name: 'a byte behind the TLVs inside', values: [ssl(1, '00000000', '210000 00')], expected: undefined },
    { name: 'the first of two wins', values: [good, ssl(0, '00000001')], expected: { client: 1, verify: 0 } },
    { name: 'the first wins even malformed', values: [EMPTY, good], expected: undefined },
  ];
  for (const { name, values, expected } of cases) {
    const tlvs = values.map(value => tlv(tlvTypes.SSL, value));
    t.strictSame(sslOf({ ...LOCAL, tlvs }), expected, name);
    t.equal(decodeProxyHeader(encodeV2({ command: 'LOCAL', tlvs })).kind, 'header', `${name}: the connection is kept`);
  }
});

t.test('no two types share a number', async t => {
  const numbers = [...Object.values(tlvTypes), ...Object.values(sslTlvTypes)];
  t.equal(new Set(numbers).size, numbers.length);
});
