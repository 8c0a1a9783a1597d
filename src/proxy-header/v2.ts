/**
 * Version 2: a binary block of 16 fixed bytes, an address block and TLVs (PP 2.2).
 *
 *     0  signature, 12 bytes       14  length of everything behind byte 15, big endian
 *     12 version, command          16  source address, destination address, source port, destination port
 *     13 family, transport             TLVs
 */
import { formatIpv4, formatIpv6, IPV4_BYTES, IPV6_BYTES } from '../address.js';
import { crc32cWithout } from './crc32c.js';
import { bad, type Decoded, more, type ProxyHeader, type Tlv } from './header.js';
import { agrees, V2_SIGNATURE } from './signature.js';
import { BROKEN_LIST, checksumAt, copyTlvs, NO_CHECKSUM } from './tlv-list.js';

const COMMAND_AT = 12;
const FAMILY_AT = 13;
const LENGTH_AT = 14;
const FIXED_BYTES = 16;

const VERSION = 2;
const COMMAND_LOCAL = 0;
const COMMAND_PROXY = 1;
const LOW_NIBBLE = 0x0f;

/** By the high nibble of byte 13: size of the whole address block, and of one address that usher reads, in bytes. */
const FAMILIES = [
  { name: 'unspec', block: 0, address: 0 },
  { name: 'inet', block: 12, address: IPV4_BYTES },
  { name: 'inet6', block: 36, address: IPV6_BYTES },
  { name: 'unix', block: 216, address: 0 },
] as const;

/** By the low nibble of byte 13. */
const TRANSPORTS = ['unspec', 'stream', 'dgram'] as const;

type Ends = Pick<ProxyHeader, 'source' | 'destination'>;

const noEnds: Ends = { source: undefined, destination: undefined };

/** Decodes bytes that begin with CR; see `decodeProxyHeader`. */
export function decodeV2(bytes: Uint8Array, maxBytes: number): Decoded {
  if (!agrees(bytes, V2_SIGNATURE)) return bad('header-missing');
  if (bytes.length <= COMMAND_AT) return more;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const command = view.getUint8(COMMAND_AT);
  if (command >> 4 !== VERSION) return bad('header-version');
  switch (command & LOW_NIBBLE) {
    case COMMAND_LOCAL:
      return decodeLocal(view, maxBytes);
    case COMMAND_PROXY:
      return decodeProxy(bytes, view, maxBytes);
    default:
      return bad('header-command');
  }
}

/**
 * LOCAL says nothing about addresses: the family byte is ignored and the whole block skipped (PP 2.2). An NLB puts
 * TLVs into it, others a dummy address; so what is no list of TLVs is taken for none.
 */
function decodeLocal(view: DataView, maxBytes: number): Decoded {
  if (view.byteLength < FIXED_BYTES) return more;
  const end = FIXED_BYTES + view.getUint16(LENGTH_AT);
  if (end > maxBytes) return bad('header-too-long');
  if (view.byteLength < end) return more;
  const checksum = checksumAt(view, FIXED_BYTES, end);
  if (!isChecksumRight(view, checksum, end)) return bad('header-crc');
  const tlvs = checksum === BROKEN_LIST ? [] : copyTlvs(view, FIXED_BYTES, end);
  return found('LOCAL', 'unspec', 'unspec', noEnds, tlvs, end);
}

/** Each refusal is of PP 2.2, and comes with the byte that makes it certain; the checksum is PP 2.2.3. */
function decodeProxy(bytes: Uint8Array, view: DataView, maxBytes: number): Decoded {
  if (view.byteLength <= FAMILY_AT) return more;
  const byte = view.getUint8(FAMILY_AT);
  const family = FAMILIES[byte >> 4];
  const transport = TRANSPORTS[byte & LOW_NIBBLE];
  if (family === undefined || transport === undefined) return bad('header-family');
  if (view.byteLength < FIXED_BYTES) return more;
  const end = FIXED_BYTES + view.getUint16(LENGTH_AT);
  if (end > maxBytes) return bad('header-too-long');
  const tlvsStart = FIXED_BYTES + family.block;
  if (tlvsStart > end) return bad('header-length');
  const checksum = checksumAt(view, tlvsStart, end);
  if (checksum === BROKEN_LIST) return bad('header-tlv');
  if (view.byteLength < end) return more;
  if (!isChecksumRight(view, checksum, end)) return bad('header-crc');
  const isNamed = transport === 'stream' && family.address > 0;
  const ends = isNamed ? endsAt(bytes, view, family.address) : noEnds;
  return found(isNamed ? 'PROXY' : 'UNKNOWN', family.name, transport, ends, copyTlvs(view, tlvsStart, end), end);
}

/** True where there is no checksum to be wrong. */
function isChecksumRight(view: DataView, checksum: number, end: number): boolean {
  return checksum <= NO_CHECKSUM || crc32cWithout(view, checksum, end) === view.getUint32(checksum);
}

/** Two addresses of `size` bytes and two ports, the source's first. */
function endsAt(bytes: Uint8Array, view: DataView, size: number): Ends {
  const format = size === IPV4_BYTES ? formatIpv4 : formatIpv6;
  const ports = FIXED_BYTES + 2 * size;
  const source = { address: format(bytes, FIXED_BYTES), port: view.getUint16(ports) };
  const destination = { address: format(bytes, FIXED_BYTES + size), port: view.getUint16(ports + 2) };
  return { source, destination };
}

function found(
  command: ProxyHeader['command'],
  family: ProxyHeader['family'],
  transport: ProxyHeader['transport'],
  { source, destination }: Ends,
  tlvs: readonly Tlv[],
  length: number,
): Decoded {
  return { kind: 'header', header: { version: 2, command, family, transport, source, destination, tlvs }, length };
}
