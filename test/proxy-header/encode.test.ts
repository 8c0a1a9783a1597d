import {
  Command,
  INETProtocol,
  IPv4Address,
  IPv4ProxyAddress,
  IPv6Address,
  IPv6ProxyAddress,
  Peer,
  TransportProtocol,
  UnspecProxyAddress,
  V1ProxyProtocol,
  V2ProxyProtocol,
} from 'proxy-protocol-js';
import t from 'tap';
import { parseAddress } from '../../src/address.js';
import { decodeProxyHeader } from '../../src/proxy-header/decode.js';
import { encodeV1, encodeV2 } from '../../src/proxy-header/encode.js';
import {
  AZURE_LINK,
  concat,
  fromText,
  GCP_PSC,
  MINIMAL_IPV4,
  MINIMAL_LOCAL,
  NLB_IPV4,
  NLB_IPV6,
  tlv,
  V1_BARE_UNKNOWN,
  V1_TCP4,
  v2,
} from '../fixtures/proxy-headers.js';

const v4 = { source: { address: '203.0.113.9', port: 51234 }, destination: { address: '10.0.1.20', port: 443 } };
const v6 = { source: { address: '2001:db8::9', port: 51234 }, destination: { address: '2001:db8:1::20', port: 443 } };
const octets = (address: string) => Array.from(parseAddress(address) ?? []);

t.test('what we encode are the vectors, byte for byte', async t => {
  t.strictSame(encodeV1(v4), V1_TCP4.bytes);
  t.strictSame(encodeV1('unknown'), V1_BARE_UNKNOWN.bytes);
  t.strictSame(encodeV2({ command: 'PROXY', ...v4 }), MINIMAL_IPV4.bytes);
  t.strictSame(encodeV2({ command: 'LOCAL' }), MINIMAL_LOCAL.bytes);
  for (const { name, header, bytes } of [NLB_IPV4, AZURE_LINK, GCP_PSC]) {
    t.strictSame(encodeV2({ command: 'PROXY', ...v4, tlvs: header.tlvs }), bytes, name);
  }
  t.strictSame(encodeV2({ command: 'PROXY', ...v6, tlvs: NLB_IPV6.header.tlvs }), NLB_IPV6.bytes);
});

t.test('a header of mixed families is IPv6, with the IPv4 address mapped', async t => {
  const mixed = { source: v6.source, destination: v4.destination };
  const line = 'PROXY TCP6 2001:db8::9 ::ffff:10.0.1.20 51234 443\r\n';
  t.strictSame(encodeV1(mixed), fromText(line));
  const turned = encodeV1({ source: v4.source, destination: v6.destination });
  t.strictSame(turned, fromText('PROXY TCP6 ::ffff:203.0.113.9 2001:db8:1::20 51234 443\r\n'));
  for (const bytes of [encodeV1(mixed), encodeV2({ command: 'PROXY', ...mixed })]) {
    t.match(decodeProxyHeader(bytes), { header: { family: 'inet6', ...mixed } });
  }
});

t.test('PROXY without ends is UNSPEC, and LOCAL never writes them (PP 2.2)', async t => {
  t.strictSame(encodeV2({ command: 'PROXY' }), v2(0x21, 0x00, new Uint8Array()));
  t.strictSame(encodeV2({ command: 'LOCAL', ...v4 }), MINIMAL_LOCAL.bytes);
});

t.test('an appended checksum is right (PP 2.2.3)', async t => {
  for (const settings of [{ command: 'LOCAL' }, { command: 'PROXY' }, { command: 'PROXY', ...v6 }] as const) {
    const bytes = encodeV2({ ...settings, tlvs: [tlv(1, fromText('h2'))], crc32c: true });
    t.match(decodeProxyHeader(bytes), { kind: 'header', header: { tlvs: [{ type: 1 }, { type: 3 }] } });
    const wrong = Uint8Array.from(bytes, (byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte));
    t.strictSame(decodeProxyHeader(wrong), { kind: 'bad', code: 'header-crc' });
  }
});

t.test('what is no address, no port, half a pair or too long is a RangeError', async t => {
  const at = (address: string, port: number) => ({ source: { address, port }, destination: v4.destination });
  for (const ends of [at('', 1), at('a.example', 1), at('1.2.3.4', -1), at('1.2.3.4', 65536), at('1.2.3.4', 1.5)]) {
    t.throws(() => encodeV1(ends), RangeError);
    t.throws(() => encodeV2({ command: 'PROXY', ...ends }), RangeError);
  }
  t.throws(() => encodeV2({ command: 'PROXY', source: v4.source }), RangeError);
  t.throws(() => encodeV2({ command: 'PROXY', destination: v4.destination }), RangeError);
  const longest = tlv(4, new Uint8Array(0xffff - 3));
  t.equal(encodeV2({ command: 'LOCAL', tlvs: [longest] }).length, 16 + 0xffff);
  t.throws(() => encodeV2({ command: 'PROXY', ...v4, tlvs: [longest] }), RangeError);
});

t.test('proxy-protocol-js reads what we encode', async t => {
  for (const ends of [v4, v6]) {
    const line = V1ProxyProtocol.parse(`${Buffer.from(encodeV1(ends)).toString('latin1')}rest`);
    t.match(line.source, { ipAddress: ends.source.address, port: ends.source.port });
    t.match(line.destination, { ipAddress: ends.destination.address, port: ends.destination.port });
    t.equal(line.data, 'rest');
    const { command, transportProtocol, proxyAddress, data } = V2ProxyProtocol.parse(
      concat(encodeV2({ command: 'PROXY', ...ends }), fromText('rest')),
    );
    t.equal(command, Command.PROXY);
    t.equal(transportProtocol, TransportProtocol.STREAM);
    t.match(proxyAddress, {
      sourceAddress: { address: octets(ends.source.address) },
      sourcePort: ends.source.port,
      destinationAddress: { address: octets(ends.destination.address) },
      destinationPort: ends.destination.port,
    });
    t.strictSame(data, fromText('rest'));
  }
  t.equal(V2ProxyProtocol.parse(encodeV2({ command: 'LOCAL' })).command, Command.LOCAL);
});

t.test('we read what proxy-protocol-js builds', async t => {
  const { source, destination } = v4;
  const peers = [new Peer(source.address, source.port), new Peer(destination.address, destination.port)] as const;
  const line = fromText(new V1ProxyProtocol(INETProtocol.TCP4, ...peers).build());
  t.match(decodeProxyHeader(line), { kind: 'header', header: v4, length: line.length });

  const ipv4 = (address: string) => IPv4Address.createFrom(octets(address));
  const ipv6 = (address: string) => IPv6Address.createFrom(octets(address));
  const inet = new IPv4ProxyAddress(ipv4(source.address), source.port, ipv4(destination.address), destination.port);
  const inet6 = new IPv6ProxyAddress(ipv6(v6.source.address), 51234, ipv6(v6.destination.address), 443);
  const build = (command: Command, transport: TransportProtocol, address: typeof inet | typeof inet6) =>
    new V2ProxyProtocol(command, transport, address).build();
  t.match(decodeProxyHeader(build(Command.PROXY, TransportProtocol.STREAM, inet)), { header: v4, length: 28 });
  t.match(decodeProxyHeader(build(Command.PROXY, TransportProtocol.STREAM, inet6)), { header: v6, length: 52 });
  const datagram = build(Command.PROXY, TransportProtocol.DGRAM, inet);
  t.match(decodeProxyHeader(datagram), { header: { command: 'UNKNOWN', transport: 'dgram' }, length: 28 });
  const local = build(Command.LOCAL, TransportProtocol.STREAM, inet);
  t.match(decodeProxyHeader(local), { header: { command: 'LOCAL', source: undefined }, length: 28 });
  const unspec = new V2ProxyProtocol(Command.PROXY, TransportProtocol.UNSPEC, new UnspecProxyAddress()).build();
  t.match(decodeProxyHeader(unspec), { header: { command: 'UNKNOWN' }, length: 16 });
});
