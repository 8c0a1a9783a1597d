/**
 * What TLVs mean, in words for people and logs. Nothing here decides about a connection.
 */
import { Buffer } from 'node:buffer';
import type { Tlv } from './header.js';
import { readSsl } from './ssl.js';
import { CRC32C_BYTES } from './tlv-list.js';
import { rangeName, sslTlvTypes, tlvTypes } from './tlv-types.js';
import { readLinkId, readPscConnectionId, readVpceId } from './vendor.js';

export { type Ssl, sslOf } from './ssl.js';
export { sslTlvTypes, tlvTypes } from './tlv-types.js';

const MAX_UNIQUE_ID_BYTES = 128;
const MAX_AUTHORITY_BYTES = 255;
const CLIENT_BITS = ['SSL', 'CERT_CONN', 'CERT_SESS'] as const;

/** Plain JSON; which of the optional members are there depends on the type and on the form of the value. */
export interface TlvDescription {
  /** `0x20` */
  readonly type: string;
  readonly name: string;
  /** Bytes of the value. */
  readonly length: number;
  /** Printable ASCII; any other byte and the backslash are escaped as in `\x0d` and `\\`. */
  readonly text?: string;
  /** The value where it is opaque or has not the form of its type. */
  readonly hex?: string;
  /** What is wrong with it. */
  readonly note?: string;
  readonly vpceId?: string;
  /** Decimal. */
  readonly pscConnectionId?: string;
  readonly linkId?: number;
  /** SSL: names of the bits that are set, the verify result, the TLVs inside. */
  readonly client?: readonly string[];
  readonly verify?: number;
  readonly tlvs?: readonly TlvDescription[];
}

type Details = Omit<TlvDescription, 'type' | 'name' | 'length'>;

interface Kind {
  readonly name: string;
  readonly describe: (value: Uint8Array) => Details;
}

const known: ReadonlyMap<number, Kind> = new Map<number, Kind>([
  [tlvTypes.ALPN, { name: 'ALPN', describe: asText }],
  [tlvTypes.AUTHORITY, { name: 'AUTHORITY', describe: value => withLimit(asText(value), value, MAX_AUTHORITY_BYTES) }],
  [tlvTypes.CRC32C, { name: 'CRC32C', describe: describeChecksum }],
  [tlvTypes.NOOP, { name: 'NOOP', describe: () => ({}) }],
  [tlvTypes.UNIQUE_ID, { name: 'UNIQUE_ID', describe: value => withLimit(asHex(value), value, MAX_UNIQUE_ID_BYTES) }],
  [tlvTypes.SSL, { name: 'SSL', describe: describeSsl }],
  [tlvTypes.NETNS, { name: 'NETNS', describe: asText }],
  [tlvTypes.AWS, { name: 'AWS', describe: describeAws }],
  [tlvTypes.GCP, { name: 'GCP', describe: describeGcp }],
  [tlvTypes.AZURE, { name: 'AZURE', describe: describeAzure }],
]);

const knownInSsl: ReadonlyMap<number, Kind> = new Map<number, Kind>([
  [sslTlvTypes.VERSION, { name: 'SSL_VERSION', describe: asText }],
  [sslTlvTypes.CN, { name: 'SSL_CN', describe: asText }],
  [sslTlvTypes.CIPHER, { name: 'SSL_CIPHER', describe: asText }],
  [sslTlvTypes.SIG_ALG, { name: 'SSL_SIG_ALG', describe: asText }],
  [sslTlvTypes.KEY_ALG, { name: 'SSL_KEY_ALG', describe: asText }],
  [sslTlvTypes.GROUP, { name: 'SSL_GROUP', describe: asText }],
  [sslTlvTypes.SIG_SCHEME, { name: 'SSL_SIG_SCHEME', describe: asText }],
  [sslTlvTypes.CLIENT_CERT, { name: 'SSL_CLIENT_CERT', describe: asHex }],
]);

/** A TLV of a header as plain JSON. Never fails: what is malformed is shown as hex with a note. */
export function describeTlv(tlv: Tlv): TlvDescription {
  return describeWith(known, tlv);
}

function describeWith(kinds: ReadonlyMap<number, Kind>, { type, value }: Tlv): TlvDescription {
  const kind = kinds.get(type) ?? { name: rangeName(type), describe: asHex };
  const number = `0x${type.toString(16).padStart(2, '0')}`;
  return { type: number, name: kind.name, length: value.length, ...kind.describe(value) };
}

function asHex(value: Uint8Array): Details {
  return { hex: Buffer.from(value).toString('hex') };
}

function asText(value: Uint8Array): Details {
  return { text: Array.from(value, escapeByte).join('') };
}

function escapeByte(byte: number): string {
  if (byte < 0x20 || byte > 0x7e) return `\\x${byte.toString(16).padStart(2, '0')}`;
  return byte === 0x5c ? '\\\\' : String.fromCharCode(byte);
}

function malformed(value: Uint8Array, note: string): Details {
  return { ...asHex(value), note };
}

function withLimit(details: Details, value: Uint8Array, most: number): Details {
  return value.length > most ? { ...details, note: `longer than ${most} bytes` } : details;
}

function describeChecksum(value: Uint8Array): Details {
  return value.length === CRC32C_BYTES ? asHex(value) : malformed(value, 'not 4 bytes (PP 2.2.3)');
}

function describeSsl(value: Uint8Array): Details {
  const ssl = readSsl(value);
  if (ssl === undefined) return malformed(value, 'too short, or a TLV inside does not end where it ends (PP 2.2.6)');
  const client = CLIENT_BITS.filter((_, bit) => (ssl.client >> bit) & 1);
  return { client, verify: ssl.verify, tlvs: ssl.tlvs.map(tlv => describeWith(knownInSsl, tlv)) };
}

function describeAws(value: Uint8Array): Details {
  const vpceId = readVpceId(value);
  return vpceId === undefined ? malformed(value, 'no VPC endpoint id') : { vpceId };
}

function describeGcp(value: Uint8Array): Details {
  const pscConnectionId = readPscConnectionId(value);
  return pscConnectionId === undefined ? malformed(value, 'not 8 bytes') : { pscConnectionId };
}

function describeAzure(value: Uint8Array): Details {
  const linkId = readLinkId(value);
  return linkId === undefined ? malformed(value, 'no Private Link id') : { linkId };
}
