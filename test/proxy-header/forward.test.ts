/** What goes on to a backend says what came. */
import t from 'tap';
import { decodeProxyHeader } from '../../src/proxy-header/decode.js';
import { encodeV2 } from '../../src/proxy-header/encode.js';
import { forwardedHeader, localHeader } from '../../src/proxy-header/forward.js';
import type { ProxyHeader, Tlv } from '../../src/proxy-header/header.js';

const ends = {
  source: { address: '203.0.113.9', port: 51234 },
  destination: { address: '10.0.1.20', port: 443 },
};
const own = { source: { address: '192.0.2.1', port: 1 }, destination: { address: '192.0.2.2', port: 2 } };
const tlvs: readonly Tlv[] = [
  { type: 0xea, value: Uint8Array.of(1, 2, 3) },
  { type: 0x04, value: new Uint8Array(5) },
  { type: 0x02, value: Buffer.from('chat.example.com') },
];

function headerOf(bytes: Uint8Array): ProxyHeader {
  const decoded = decodeProxyHeader(Buffer.from(bytes), 4_112);
  if (decoded.kind !== 'header') throw new Error(JSON.stringify(decoded));
  t.equal(decoded.length, bytes.length);
  return decoded.header;
}

const came = headerOf(encodeV2({ command: 'PROXY', ...ends, tlvs, crc32c: true }));

t.test('v2: both ends, every TLV in its order, and a checksum of its own', async t => {
  const header = headerOf(forwardedHeader({ version: 'v2', uniqueId: false }, came, own));
  t.match(header, { version: 2, command: 'PROXY', ...ends });
  t.same(
    header.tlvs.map(({ type }) => type),
    [0xea, 0x04, 0x02, 0x03],
  );
  for (const [index, { value }] of tlvs.entries()) t.same([...(header.tlvs[index]?.value ?? [])], [...value]);
});

t.test('a UNIQUE_ID is added when it is asked for and none came', async t => {
  const settings = { version: 'v2', uniqueId: true } as const;
  const once = headerOf(forwardedHeader(settings, came, own));
  const [id] = once.tlvs.filter(({ type }) => type === 0x05);
  t.equal(id?.value.length, 36);
  const again = headerOf(forwardedHeader(settings, once, own));
  t.same(
    again.tlvs.filter(({ type }) => type === 0x05).map(({ value }) => [...value]),
    [[...(id?.value ?? [])]],
    'and the one that came stays',
  );
});

t.test('v1: both ends, IPv6 too', async t => {
  const settings = { version: 'v1', uniqueId: false } as const;
  t.equal(String(forwardedHeader(settings, came, own)), 'PROXY TCP4 203.0.113.9 10.0.1.20 51234 443\r\n');
  const six = { ...came, source: { address: '2001:db8::9', port: 7 } };
  t.equal(String(forwardedHeader(settings, six, own)), 'PROXY TCP6 2001:db8::9 ::ffff:10.0.1.20 7 443\r\n');
});

t.test('without a header the ends of the connection are told', async t => {
  t.match(headerOf(forwardedHeader({ version: 'v2', uniqueId: false }, undefined, own)), own);
  t.equal(
    String(forwardedHeader({ version: 'v1', uniqueId: false }, undefined, own)),
    'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n',
  );
});

t.test('LOCAL stays LOCAL, and who is unknown stays unknown', async t => {
  const local = headerOf(localHeader('v2'));
  t.equal(local.command, 'LOCAL');
  t.equal(headerOf(forwardedHeader({ version: 'v2', uniqueId: true }, local, own)).command, 'LOCAL');
  t.equal(String(forwardedHeader({ version: 'v1', uniqueId: false }, local, own)), 'PROXY UNKNOWN\r\n');
  t.equal(String(localHeader('v1')), 'PROXY UNKNOWN\r\n');
  const unknown = headerOf(Buffer.from('PROXY UNKNOWN\r\n'));
  t.match(headerOf(forwardedHeader({ version: 'v2', uniqueId: false }, unknown, own)), {
    command: 'UNKNOWN',
    source: undefined,
  });
});

t.test('a connection that has no ends any more is of an unknown client', async t => {
  const header = forwardedHeader({ version: 'v2', uniqueId: false }, undefined, undefined);
  t.match(headerOf(header), { command: 'UNKNOWN', source: undefined });
});

t.test('a header that is full goes on as it came', async t => {
  const large: readonly Tlv[] = [{ type: 0xea, value: new Uint8Array(65_500) }];
  const full = { ...came, tlvs: large };
  const bytes = forwardedHeader({ version: 'v2', uniqueId: true }, full, own);
  const decoded = decodeProxyHeader(bytes, 65_551);
  t.match(decoded, { kind: 'header', header: { tlvs: { length: 1 } } });
});
