/**
 * Writes PROXY headers, for `usher probe`, tests and bench: what a balancer would send.
 */
import { formatAddress, IPV4_BYTES, IPV6_BYTES, parseAddress, type SocketAddress } from '../address.js';
import { crc32c } from './crc32c.js';
import type { Tlv } from './header.js';
import { V2_SIGNATURE } from './signature.js';
import { CRC32C_BYTES, TLV_HEAD_BYTES } from './tlv-list.js';
import { tlvTypes } from './tlv-types.js';

const LOCAL = 0x20;
const PROXY = 0x21;
const UNSPEC = 0x00;
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;
const MAX_LENGTH = 0xffff;
const MAX_PORT = 0xffff;

/** The two ends of the client's connection. */
export interface Ends {
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
}

export interface V2Settings {
  readonly command: 'PROXY' | 'LOCAL';
  /** With `PROXY`: both ends, or neither (which is written as UNSPEC). `LOCAL` never writes them. */
  readonly source?: SocketAddress | undefined;
  readonly destination?: SocketAddress | undefined;
  readonly tlvs?: readonly Tlv[] | undefined;
  /** Append a CRC32C TLV with the right checksum (PP 2.2.3). */
  readonly crc32c?: boolean | undefined;
}

/**
 * A v1 line: TCP4 where both addresses are IPv4, else TCP6 (IPv4 written as `::ffff:1.2.3.4`).
 *
 * @throws RangeError where an address or a port is none.
 */
export function encodeV1(ends: Ends | 'unknown'): Uint8Array {
  return new TextEncoder().encode(ends === 'unknown' ? 'PROXY UNKNOWN\r\n' : lineOf(ends));
}

function lineOf({ source, destination }: Ends): string {
  const [from, to] = addressesOf(source, destination);
  const isV4 = from.length === IPV4_BYTES;
  const text = (bytes: Uint8Array) => {
    const canonical = formatAddress(bytes);
    return isV4 || canonical.includes(':') ? canonical : `::ffff:${canonical}`;
  };
  const family = isV4 ? 'TCP4' : 'TCP6';
  return `PROXY ${family} ${text(from)} ${text(to)} ${portOf(source)} ${portOf(destination)}\r\n`;
}

/**
 * A v2 block over TCP: INET where both addresses are IPv4, else INET6 (IPv4 written as mapped).
 *
 * @throws RangeError where an address or a port is none, only one end is given, or it all is longer than 65535 bytes.
 */
export function encodeV2(settings: V2Settings): Uint8Array {
  const block = settings.command === 'LOCAL' ? new Uint8Array() : blockOf(settings.source, settings.destination);
  const tlvs = [...(settings.tlvs ?? [])];
  if (settings.crc32c) tlvs.push({ type: tlvTypes.CRC32C, value: new Uint8Array(CRC32C_BYTES) });
  const parts = [V2_SIGNATURE, fixedPart(settings.command, block, tlvs), block, ...tlvs.flatMap(partsOf)];
  const bytes = join(parts);
  const view = new DataView(bytes.buffer);
  if (settings.crc32c) view.setUint32(bytes.length - CRC32C_BYTES, crc32c(view));
  return bytes;
}

function fixedPart(command: V2Settings['command'], block: Uint8Array, tlvs: readonly Tlv[]): Uint8Array {
  const length = tlvs.reduce((sum, { value }) => sum + TLV_HEAD_BYTES + value.length, block.length);
  if (length > MAX_LENGTH) throw new RangeError(`a PROXY v2 header holds ${MAX_LENGTH} bytes, not ${length}`);
  const family = familyOf(block.length);
  return Uint8Array.of(command === 'LOCAL' ? LOCAL : PROXY, family, length >> 8, length & 0xff);
}

function familyOf(blockBytes: number): number {
  if (blockBytes === 0) return UNSPEC;
  return blockBytes < 2 * IPV6_BYTES ? TCP_OVER_IPV4 : TCP_OVER_IPV6;
}

function blockOf(source: SocketAddress | undefined, destination: SocketAddress | undefined): Uint8Array {
  if (source === undefined && destination === undefined) return new Uint8Array();
  if (source === undefined || destination === undefined) throw new RangeError('a PROXY header names both ends or none');
  return join([...addressesOf(source, destination), wordOf(portOf(source)), wordOf(portOf(destination))]);
}

/** Both of one size. */
function addressesOf(source: SocketAddress, destination: SocketAddress): readonly [Uint8Array, Uint8Array] {
  const from = addressOf(source);
  const to = addressOf(destination);
  return from.length === to.length ? [from, to] : [widen(from), widen(to)];
}

function addressOf({ address }: SocketAddress): Uint8Array {
  const bytes = parseAddress(address);
  if (bytes === undefined) throw new RangeError(`not an IP address: ${address}`);
  return bytes;
}

function widen(bytes: Uint8Array): Uint8Array {
  const wide = new Uint8Array(IPV6_BYTES);
  if (bytes.length === IPV4_BYTES) wide.set([0xff, 0xff], IPV6_BYTES - IPV4_BYTES - 2);
  wide.set(bytes, IPV6_BYTES - bytes.length);
  return wide;
}

function portOf({ port }: SocketAddress): number {
  if (!Number.isInteger(port) || port < 0 || port > MAX_PORT) throw new RangeError(`not a port: ${port}`);
  return port;
}

function partsOf({ type, value }: Tlv): readonly Uint8Array[] {
  return [Uint8Array.of(type), wordOf(value.length), value];
}

function wordOf(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}
