import t from 'tap';
import { decodeProxyHeader } from '../../src/proxy-header/decode.js';
import { encodeV2 } from '../../src/proxy-header/encode.js';
import type { Decoded } from '../../src/proxy-header/header.js';
import {
  type BadHeader,
  concat,
  fromHex,
  LOCAL,
  MINIMAL_IPV4,
  MINIMAL_LOCAL,
  NLB_HEALTH_CHECK,
  NLB_IPV4,
  NLB_IPV6,
  PRIVATE_LINK,
  tlv,
  V1_UNKNOWN,
  v2,
} from '../fixtures/proxy-headers.js';

const IPV4_BLOCK = fromHex('cb0071090a000114c82201bb');
const CRC_OF_ZEROS = fromHex('03000400000000');
const EMPTY = new Uint8Array();
const source = { address: '203.0.113.9', port: 51234 };
const destination = { address: '10.0.1.20', port: 443 };

/** The code of a refusal, else the command of the header or `more`. */
function verdict(answer: Decoded): string {
  if (answer.kind === 'bad') return answer.code;
  return answer.kind === 'header' ? answer.header.command : answer.kind;
}

const decide = (bytes: Uint8Array, maxBytes?: number) => verdict(decodeProxyHeader(bytes, maxBytes));

t.test('of all 256 values of byte 12 only 0x20 and 0x21 are a version and a command (PP 2.2)', async t => {
  for (let byte = 0; byte < 256; byte += 1) {
    const version = byte >> 4 === 2 ? 'header-command' : 'header-version';
    const expected = byte === 0x20 ? 'LOCAL' : byte === 0x21 ? 'PROXY' : version;
    const bytes = v2(byte, 0x11, IPV4_BLOCK);
    t.equal(decide(bytes), expected, `0x${byte.toString(16)}`);
    if (byte !== 0x20 && byte !== 0x21) t.equal(decide(bytes.subarray(0, 13)), expected, 'at once');
  }
});

t.test('all 256 values of byte 13: two are named, ten are unknown, the others undefined (PP 2.2)', async t => {
  const body = concat(IPV4_BLOCK, new Uint8Array(204));
  const sizes = [0, 12, 36, 216];
  for (let byte = 0; byte < 256; byte += 1) {
    const size = sizes[byte >> 4];
    const isDefined = size !== undefined && (byte & 0x0f) < 3;
    const named = byte === 0x11 || byte === 0x21 ? 'PROXY' : 'UNKNOWN';
    const bytes = v2(0x21, byte, body.subarray(0, size ?? 12));
    t.equal(decide(bytes), isDefined ? named : 'header-family', `0x${byte.toString(16)}`);
    if (!isDefined) t.equal(decide(bytes.subarray(0, 14)), 'header-family', 'at once');
    t.equal(decide(v2(0x20, byte, IPV4_BLOCK)), 'LOCAL', 'LOCAL ignores it');
  }
});

t.test('a family that usher does not use is skipped, and the client is unknown (PP 2.2)', async t => {
  const unknown = { ...V1_UNKNOWN, version: 2 } as const;
  const cases = [
    { name: 'UNSPEC', bytes: v2(0x21, 0x00, EMPTY), header: unknown },
    { name: 'UDP over IPv4', bytes: v2(0x21, 0x12, IPV4_BLOCK), family: 'inet', transport: 'dgram' },
    { name: 'UDP over IPv6', bytes: v2(0x21, 0x22, new Uint8Array(36)), family: 'inet6', transport: 'dgram' },
    { name: 'UNIX stream', bytes: v2(0x21, 0x31, new Uint8Array(216)), family: 'unix', transport: 'stream' },
    { name: 'UNIX datagram', bytes: v2(0x21, 0x32, new Uint8Array(216)), family: 'unix', transport: 'dgram' },
    { name: 'half UNSPEC, family', bytes: v2(0x21, 0x01, EMPTY), family: 'unspec', transport: 'stream' },
    { name: 'half UNSPEC, transport', bytes: v2(0x21, 0x10, IPV4_BLOCK), family: 'inet', transport: 'unspec' },
  ] as const;
  for (const { name, bytes, ...rest } of cases) {
    const header = 'header' in rest ? rest.header : { ...unknown, ...rest };
    t.strictSame(decodeProxyHeader(bytes), { kind: 'header', header, length: bytes.length }, name);
  }
});

t.test('addresses of PROXY over UNSPEC may be followed by TLVs (PP 2.2)', async t => {
  const answer = decodeProxyHeader(v2(0x21, 0x00, fromHex('0100026832')));
  t.match(answer, { kind: 'header', header: { command: 'UNKNOWN', tlvs: [tlv(1, fromHex('6832'))] }, length: 21 });
});

t.test('mapped addresses of INET6 are IPv4 to us, alone or beside IPv6', async t => {
  const mapped = {
    source: { address: '::ffff:203.0.113.9', port: 1 },
    destination: { address: '2001:db8::1', port: 2 },
  };
  const answer = decodeProxyHeader(encodeV2({ command: 'PROXY', ...mapped }));
  t.match(answer, {
    header: { family: 'inet6', source: { address: '203.0.113.9', port: 1 }, destination: { address: '2001:db8::1' } },
  });
});

const refused: readonly BadHeader[] = [
  { name: 'INET with 11 bytes (PP 2.2)', bytes: v2(0x21, 0x11, new Uint8Array(11)), code: 'header-length' },
  { name: 'INET with none (PP 2.2)', bytes: v2(0x21, 0x11, EMPTY), code: 'header-length' },
  { name: 'INET6 with 35 bytes (PP 2.2)', bytes: v2(0x21, 0x21, new Uint8Array(35)), code: 'header-length' },
  { name: 'INET6 with 12 bytes (PP 2.2)', bytes: v2(0x21, 0x21, IPV4_BLOCK), code: 'header-length' },
  { name: 'UNIX with 215 bytes (PP 2.2)', bytes: v2(0x21, 0x31, new Uint8Array(215)), code: 'header-length' },
  { name: 'half UNSPEC INET with 11 bytes', bytes: v2(0x21, 0x10, new Uint8Array(11)), code: 'header-length' },
  { name: 'a TLV beyond the end (PP 2.2)', bytes: withTlvs('04000500'), code: 'header-tlv' },
  { name: 'a TLV one byte beyond the end', bytes: withTlvs('04000200'), code: 'header-tlv' },
  { name: 'the second TLV beyond the end', bytes: withTlvs('040001ff 04000100 040001'), code: 'header-tlv' },
  { name: 'one byte behind the last TLV', bytes: withTlvs('040001ff 04'), code: 'header-tlv' },
  { name: 'two bytes behind the last TLV', bytes: withTlvs('040001ff 0400'), code: 'header-tlv' },
  { name: 'one byte behind the addresses', bytes: withTlvs('04'), code: 'header-tlv' },
  { name: 'two bytes behind the addresses', bytes: withTlvs('0400'), code: 'header-tlv' },
  { name: 'a checksum of 3 bytes (PP 2.2.3)', bytes: withTlvs('030003000000'), code: 'header-tlv' },
  { name: 'a checksum of 5 bytes (PP 2.2.3)', bytes: withTlvs('0300050000000000'), code: 'header-tlv' },
  { name: 'two checksums', bytes: withTlvs('03000400000000 03000400000000'), code: 'header-tlv' },
  { name: 'a wrong checksum (PP 2.2.3)', bytes: withTlvs('03000400000000'), code: 'header-crc' },
  { name: 'a wrong checksum of LOCAL', bytes: v2(0x20, 0x00, CRC_OF_ZEROS), code: 'header-crc' },
  { name: 'a wrong checksum of UNSPEC', bytes: v2(0x21, 0x00, CRC_OF_ZEROS), code: 'header-crc' },
];

function withTlvs(hex: string): Uint8Array {
  return v2(0x21, 0x11, concat(IPV4_BLOCK, fromHex(hex)));
}

for (const { name, bytes, code } of refused) {
  t.test(`${name} is refused, and no prefix of it is a header`, async t => {
    t.strictSame(decodeProxyHeader(bytes), { kind: 'bad', code });
    const verdicts = Array.from(bytes, (_, index) => decide(bytes.subarray(0, index + 1)));
    const turn = verdicts.indexOf(code);
    t.ok(turn >= 15, 'not before the length is there');
    t.ok(verdicts.every((each, index) => each === (index < turn ? 'more' : code)));
  });
}

t.test('a list of TLVs that cannot end right is refused before it is there (PP 2.2)', async t => {
  const cases = [
    { hex: '0400ff 00', after: 3 },
    { hex: '04000100 0400', after: 3 },
    { hex: '040001ff 030002 0000', after: 7 },
    { hex: '04', after: 0 },
  ];
  for (const { hex, after } of cases) {
    const bytes = withTlvs(hex);
    const known = after === 0 ? 16 : 28 + after;
    t.equal(decide(bytes.subarray(0, known - 1)), 'more', hex);
    t.equal(decide(bytes.subarray(0, known)), 'header-tlv', hex);
  }
});

t.test('a length beyond the cap is refused with byte 16, before anything is kept', async t => {
  const announced = (length: number, command = 0x21) =>
    concat(v2(command, 0x11, EMPTY).subarray(0, 14), Uint8Array.of(length >> 8, length & 0xff));
  for (const command of [0x20, 0x21]) {
    t.equal(decide(announced(0xffff, command)), 'header-too-long');
    t.equal(decide(announced(4097, command)), 'header-too-long', 'one more than the default');
    t.equal(decide(announced(4096, command)), 'more', 'the default');
    t.equal(decide(announced(84, command), 99), 'header-too-long', 'one more than the cap of the listener');
    t.equal(decide(announced(84, command), 100), 'more', 'the cap of the listener');
    t.equal(decide(announced(0xffff, command), 16 + 0xffff), 'more', 'the longest there is');
  }
  const full = encodeV2({ command: 'PROXY', source, destination, tlvs: [tlv(4, new Uint8Array(4096 - 15))] });
  t.equal(full.length, 4112);
  t.equal(decide(full), 'PROXY');
  t.equal(decide(full, 4111), 'header-too-long');
});

t.test('a LOCAL header ignores its family and skips exactly its length (PP 2.2)', async t => {
  const cases = [
    { name: 'no body', bytes: MINIMAL_LOCAL.bytes, tlvs: [] },
    { name: 'UNSPEC and TLVs', bytes: v2(0x20, 0x00, fromHex('0400020000')), tlvs: [tlv(4, new Uint8Array(2))] },
    { name: 'a dummy IPv4 address block', bytes: v2(0x20, 0x11, new Uint8Array(12)), tlvs: undefined },
    { name: 'an address block that is no list of TLVs', bytes: v2(0x20, 0x11, IPV4_BLOCK), tlvs: [] },
    { name: 'a block that is too short for its family', bytes: v2(0x20, 0x21, fromHex('0102')), tlvs: [] },
    { name: 'an undefined family', bytes: v2(0x20, 0x77, EMPTY), tlvs: [] },
    { name: 'a checksum of 3 bytes', bytes: v2(0x20, 0x00, fromHex('030003000000')), tlvs: [] },
    { name: 'two checksums', bytes: v2(0x20, 0x00, concat(CRC_OF_ZEROS, CRC_OF_ZEROS)), tlvs: [] },
    { name: 'a TLV beyond the end', bytes: v2(0x20, 0x00, fromHex('040009')), tlvs: [] },
  ];
  const fourEmpty = [0, 0, 0, 0].map(type => tlv(type, EMPTY));
  for (const { name, bytes, tlvs = fourEmpty } of cases) {
    const expected = { kind: 'header', header: { ...LOCAL, tlvs }, length: bytes.length };
    t.strictSame(decodeProxyHeader(concat(bytes, fromHex('474554'))), expected, name);
  }
});

t.test('one wrong bit leaves no header of the NLB whose checksum counts (PP 2.2.3)', async t => {
  for (const { name, bytes } of [NLB_IPV4, NLB_IPV6, NLB_HEALTH_CHECK, PRIVATE_LINK]) {
    const passed = Array.from({ length: 8 * bytes.length }, (_, bit) => flip(bytes, bit >> 3, 1 << (bit & 7)))
      .map(flipped => decodeProxyHeader(flipped))
      .filter(answer => answer.kind === 'header' && answer.header.tlvs.some(({ type }) => type === 3));
    t.strictSame(passed, [], name);
  }
});

t.test('a wrong bit in an address, a port or a padding byte is a wrong checksum (PP 2.2.3)', async t => {
  for (let index = 16; index < 28; index += 1) t.equal(decide(flip(NLB_IPV4.bytes, index)), 'header-crc');
  for (let index = 31; index < 35; index += 1) t.equal(decide(flip(NLB_IPV4.bytes, index)), 'header-crc');
  for (let index = 38; index < 100; index += 1) t.equal(decide(flip(NLB_IPV4.bytes, index)), 'header-crc');
  for (let index = 26; index < 100; index += 1) t.equal(decide(flip(NLB_HEALTH_CHECK.bytes, index)), 'header-crc');
});

function flip(bytes: Uint8Array, at: number, mask = 1): Uint8Array {
  return Uint8Array.from(bytes, (byte, index) => (index === at ? byte ^ mask : byte));
}

t.test('a checksum covers the whole header wherever it stands (PP 2.2.3)', async t => {
  const filler = '040003abcdef';
  const cases = [
    { name: 'first', hex: `03000400000000 ${filler} ${filler}`, at: 31 },
    { name: 'in the middle', hex: `${filler} 03000400000000 ${filler}`, at: 37 },
    { name: 'last', hex: `${filler} ${filler} 03000400000000`, at: 43 },
  ];
  for (const { name, hex, at } of cases) {
    const bytes = withTlvs(hex);
    new DataView(bytes.buffer).setUint32(at, bitwiseCrc32c(bytes));
    t.equal(decide(concat(bytes, fromHex('ffff'))), 'PROXY', name);
    t.equal(decide(flip(bytes, 46)), 'header-crc', `${name}: a wrong bit`);
  }
});

/** The definition, bit by bit: not the code under test. */
function bitwiseCrc32c(bytes: Uint8Array): number {
  let rest = 0xffffffff;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit += 1) rest = (rest >>> 1) ^ (rest & 1 ? 0x82f63b78 : 0);
  }
  return ~rest >>> 0;
}

t.test('a TLV may be empty, may come twice, and may have any type (PP 2.2)', async t => {
  const bytes = withTlvs('050000 02000161 02000162 f1000100 ff000100');
  const tlvs = [tlv(5, EMPTY), tlv(2, fromHex('61')), tlv(2, fromHex('62')), tlv(0xf1, fromHex('00'))];
  const header = { ...MINIMAL_IPV4.header, tlvs: [...tlvs, tlv(0xff, fromHex('00'))] };
  t.strictSame(decodeProxyHeader(bytes), { kind: 'header', header, length: bytes.length });
});
