/**
 * IP addresses as usher writes them (canonical text) and ranges of them. Pure; used by every room.
 */

/** An address and a port, the address in canonical text (see {@link canonicalAddress}). */
export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/** A range of addresses: `bits` leading bits of `bytes` (4 or 16 of them; IPv4-mapped ranges are stored as IPv4). */
export interface Cidr {
  readonly bytes: Uint8Array;
  readonly bits: number;
  /** Canonical text, `10.0.0.0/8`. */
  readonly text: string;
}

export const IPV4_BYTES = 4;
export const IPV6_BYTES = 16;

const IPV6_GROUPS = 8;
/** An IPv4-mapped IPv6 address is 96 fixed bits (twelve bytes) and an IPv4 address (RFC 4291 2.5.5.2). */
const MAPPED_BITS = 96;
const MAPPED_BYTES = 12;
const MAPPED_MARK = 0xffff;

const CODE_ZERO = 0x30;
const CODE_NINE = 0x39;
const CODE_DOT = 0x2e;
const CODE_COLON = 0x3a;
const CODE_A = 0x61;
const CODE_F = 0x66;
/** Makes ASCII letters lower case. */
const CASE_BIT = 0x20;
const GROUP_DIGITS = 4;
const PREFIX_BITS = /^(?:0|[1-9][0-9]{0,2})$/;

/**
 * Reads an address strictly: four decimals without leading zeros, or IPv6 text (RFC 4291 2.2) in either case, with or
 * without a dotted quad at its end. No zone id, no brackets, no white space.
 *
 * @returns 4 bytes (IPv4, and IPv4-mapped IPv6) or 16 bytes, network order; undefined where it is not an address.
 */
export function parseAddress(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

function parseIpv4(text: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(IPV4_BYTES);
  let octets = 0;
  let value = -1;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const digit = code - CODE_ZERO;
    if (digit >= 0 && digit <= 9) {
      if (value === 0) return undefined; // a leading zero
      value = value < 0 ? digit : value * 10 + digit;
      if (value > 255) return undefined;
    } else if (code === CODE_DOT && value >= 0 && octets < IPV4_BYTES - 1) {
      bytes[octets] = value;
      octets += 1;
      value = -1;
    } else return undefined;
  }
  if (value < 0 || octets !== IPV4_BYTES - 1) return undefined;
  bytes[octets] = value;
  return bytes;
}

function parseIpv6(text: string): Uint8Array | undefined {
  const scan = scanGroups(text);
  if (scan === undefined) return undefined;
  const { groups, gap } = scan;
  const missing = IPV6_GROUPS - groups.length;
  if (gap < 0 ? missing !== 0 : missing < 1) return undefined; // `::` stands for one group of zeros at least
  const bytes = new Uint8Array(IPV6_BYTES);
  const view = new DataView(bytes.buffer);
  groups.forEach((group, index) => {
    view.setUint16(2 * (gap < 0 || index < gap ? index : index + missing), group);
  });
  return isMapped(view) ? bytes.slice(MAPPED_BYTES) : bytes;
}

/** The groups that are written, and how many stand before `::` (negative: there is none). */
interface Groups {
  readonly groups: readonly number[];
  readonly gap: number;
}

function scanGroups(text: string): Groups | undefined {
  const groups: number[] = [];
  let gap = -1;
  let value = 0;
  let digits = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const digit = hexDigit(code);
    if (digit >= 0 && digits < GROUP_DIGITS) {
      value = value * 16 + digit;
      digits += 1;
    } else if (code === CODE_COLON && digits > 0) {
      groups.push(value);
      value = 0;
      digits = 0;
    } else if (code === CODE_COLON && gap < 0 && (index > 0 || text.charCodeAt(1) === CODE_COLON)) {
      if (index > 0) gap = groups.length;
    } else {
      const quad = code === CODE_DOT ? parseIpv4(text.slice(index - digits)) : undefined;
      return quad && { groups: [...groups, ...groupsOf(quad)], gap };
    }
  }
  if (digits > 0) groups.push(value);
  return digits > 0 || gap === groups.length ? { groups, gap } : undefined;
}

/** The value of a hexadecimal digit in either case, negative for any other character. */
function hexDigit(code: number): number {
  if (code >= CODE_ZERO && code <= CODE_NINE) return code - CODE_ZERO;
  const lower = code | CASE_BIT;
  return lower >= CODE_A && lower <= CODE_F ? lower - CODE_A + 10 : -1;
}

/** A dotted quad as the two groups that it stands for. */
function groupsOf(quad: Uint8Array<ArrayBuffer>): readonly number[] {
  const view = new DataView(quad.buffer);
  return [view.getUint16(0), view.getUint16(2)];
}

function isMapped(view: DataView): boolean {
  return view.getUint32(8) === MAPPED_MARK && view.getUint32(0) === 0 && view.getUint32(4) === 0;
}

/**
 * Canonical text: dotted quad for 4 bytes and for 16 bytes that are IPv4-mapped, else RFC 5952 (lower case, shortest).
 *
 * @throws RangeError where there are neither 4 nor 16 bytes.
 */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === IPV4_BYTES) return formatIpv4(bytes, 0);
  if (bytes.length === IPV6_BYTES) return formatIpv6(bytes, 0);
  throw new RangeError(`an address has 4 or 16 bytes, not ${bytes.length}`);
}

/** The four bytes at `offset` as a dotted quad; the caller has checked that they are there. */
export function formatIpv4(bytes: Uint8Array, offset: number): string {
  return `${bytes[offset]}.${bytes[offset + 1]}.${bytes[offset + 2]}.${bytes[offset + 3]}`;
}

/**
 * The sixteen bytes at `offset` as canonical text.
 *
 * @throws RangeError where fewer are there.
 */
export function formatIpv6(bytes: Uint8Array, offset: number): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, IPV6_BYTES);
  if (isMapped(view)) return formatIpv4(bytes, offset + MAPPED_BYTES);
  const groups: string[] = [];
  for (let index = 0; index < IPV6_BYTES; index += 2) groups.push(view.getUint16(index).toString(16));
  const { start, end } = longestZeroRun(groups);
  if (end - start < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(end).join(':')}`;
}

/** The first of the longest runs of zero groups (RFC 5952 4.2.3). */
function longestZeroRun(groups: readonly string[]): { readonly start: number; readonly end: number } {
  let best = { start: 0, end: 0 };
  let start = 0;
  groups.forEach((group, index) => {
    const end = index + 1;
    if (group !== '0') start = end;
    else if (end - start > best.end - best.start) best = { start, end };
  });
  return best;
}

/** One text for each address, however it was written; undefined where `text` is not an address. */
export function canonicalAddress(text: string): string | undefined {
  const bytes = parseAddress(text);
  return bytes && formatAddress(bytes);
}

/**
 * Reads `address/bits`; a bare address is a range of one. Bits behind the prefix are cleared. A range of IPv4-mapped
 * addresses becomes the IPv4 range, if it has 96 bits or more.
 *
 * @returns undefined where it is not a range.
 */
export function parseCidr(text: string): Cidr | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const bytes = parseAddress(address);
  if (bytes === undefined) return undefined;
  const most = 8 * bytes.length;
  const bits = slash < 0 ? most : parseBits(text.slice(slash + 1), address.includes(':') && most < MAPPED_BITS);
  return bits >= 0 && bits <= most ? makeCidr(bytes, bits) : undefined;
}

/** Negative where it is no number, or where the prefix ends inside the fixed bits of a mapped address. */
function parseBits(text: string, mapped: boolean): number {
  if (!PREFIX_BITS.test(text)) return -1;
  return Number(text) - (mapped ? MAPPED_BITS : 0);
}

function makeCidr(address: Uint8Array, bits: number): Cidr {
  const bytes = address.map((byte, index) => byte & maskAt(bits, index));
  return { bytes, bits, text: `${formatAddress(bytes)}/${bits}` };
}

/** The byte `index` of a netmask of `bits` bits. */
function maskAt(bits: number, index: number): number {
  const kept = Math.min(8, Math.max(0, bits - 8 * index));
  return (0xff00 >> kept) & 0xff;
}

/** Whether the range holds an address that {@link parseAddress} gave. IPv4 and IPv6 never hold each other. */
export function cidrContains(cidr: Cidr, bytes: Uint8Array): boolean {
  if (cidr.bytes.length !== bytes.length) return false;
  return bytes.every((byte, index) => (byte & maskAt(cidr.bits, index)) === cidr.bytes[index]);
}

/** `address:port`, with brackets around IPv6. */
export function formatHostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
