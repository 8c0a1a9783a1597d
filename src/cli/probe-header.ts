/**
 * The PROXY header that a probe sends: what it shall say, decided before anything is dialled, and its bytes.
 */
import type { SocketAddress } from '../address.js';
import { encodeV1, encodeV2 } from '../proxy-header/encode.js';
import type { Tlv } from '../proxy-header/header.js';
import { UsageError } from './probe-usage.js';

/** What the PROXY header shall say. A destination that is left out is the address dialled. */
export type HeaderPlan =
  | { readonly kind: 'none' }
  | { readonly kind: 'nlb-health' }
  | { readonly kind: 'v1'; readonly source: SocketAddress; readonly destination: SocketAddress | undefined }
  | {
      readonly kind: 'v2';
      readonly source: SocketAddress;
      readonly destination: SocketAddress | undefined;
      readonly tlvs: readonly Tlv[];
      readonly crc32c: boolean;
    }
  | { readonly kind: 'local'; readonly tlvs: readonly Tlv[]; readonly crc32c: boolean };

/**
 * What a Network Load Balancer sends before a health check, byte for byte as captured (kubernetes/kubernetes#57250):
 * LOCAL, a family byte that means nothing, CRC32C, and a NOOP that fills it up to 100 bytes.
 */
const nlbHealthHeader = Buffer.concat(
  [Buffer.from('0d0a0d0a000d0a515549540a20110054030004bce5951f04004a', 'hex')],
  100,
);

/** The header's bytes, none for `none`. `dialled` is the far end of the connection that it will be sent on. */
export function buildHeader(plan: HeaderPlan, dialled: SocketAddress): Uint8Array {
  switch (plan.kind) {
    case 'none':
      return new Uint8Array(0);
    case 'nlb-health':
      return nlbHealthHeader;
    case 'v1':
      return encodeV1({ source: plan.source, destination: plan.destination ?? dialled });
    case 'v2':
      return encodeV2({
        command: 'PROXY',
        source: plan.source,
        destination: plan.destination ?? dialled,
        tlvs: plan.tlvs,
        crc32c: plan.crc32c,
      });
    case 'local':
      return encodeV2({ command: 'LOCAL', tlvs: plan.tlvs, crc32c: plan.crc32c });
  }
}

export function isIpv6({ address }: SocketAddress): boolean {
  return address.includes(':');
}

type EncodeValue = (text: string) => Uint8Array;
const asText: EncodeValue = text => Buffer.from(text);

/** TLVs that can be called by name (PP 2.2, and the vendors' own). A value in hex is always taken as it is. */
const named: ReadonlyMap<string, { readonly type: number; readonly encode: EncodeValue }> = new Map([
  ['alpn', { type: 0x01, encode: asText }],
  ['authority', { type: 0x02, encode: asText }],
  ['noop', { type: 0x04, encode: asText }],
  ['unique-id', { type: 0x05, encode: asText }],
  ['ssl', { type: 0x20, encode: sslVersion }],
  ['netns', { type: 0x30, encode: asText }],
  ['gcp-psc', { type: 0xe0, encode: gcpConnection }],
  ['aws-vpce', { type: 0xea, encode: text => Buffer.from(`\x01${text}`) }],
  ['azure-link', { type: 0xee, encode: azureLink }],
]);

/**
 * Reads `TYPE=VALUE`: the type by name or in hex, the value as text or, behind `0x`, in hex.
 *
 * @throws UsageError
 */
export function parseTlv(text: string): Tlv {
  const cut = text.indexOf('=');
  if (cut < 1) {
    throw new UsageError(`--tlv ${text}: write TYPE=VALUE, e.g. aws-vpce=vpce-0123 or 0xe1=0xc0ffee`);
  }
  const name = text.slice(0, cut).toLowerCase();
  const value = text.slice(cut + 1);
  const { type, encode } = named.get(name) ?? { type: numericType(name), encode: asText };
  if (type === 0x03) {
    throw new UsageError('--tlv crc32c: the checksum is computed, ask for it with --crc');
  }
  return { type, value: value.startsWith('0x') ? hexValue(text, value.slice(2)) : encode(value) };
}

function numericType(name: string): number {
  if (name === 'crc32c') {
    return 0x03;
  }
  if (!/^(?:0x)?[0-9a-f]{1,2}$/.test(name)) {
    throw new UsageError(
      `--tlv: ${name} is not a type: write it in hex (0x00 to 0xff) or as ${[...named.keys()].join(', ')}`,
    );
  }
  return Number.parseInt(name, 16);
}

function hexValue(tlv: string, digits: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/i.test(digits)) {
    throw new UsageError(`--tlv ${tlv}: the value behind 0x is not hex digits in pairs`);
  }
  return Buffer.from(digits, 'hex');
}

/** The SSL structure for a client that came over TLS without a certificate: client bits, verify, version (PP 2.2.6). */
function sslVersion(version: string): Uint8Array {
  const bytes = Buffer.alloc(8 + Buffer.byteLength(version));
  bytes[0] = 0x01;
  bytes.writeUInt32BE(1, 1);
  bytes[5] = 0x21;
  bytes.writeUInt16BE(Buffer.byteLength(version), 6);
  bytes.write(version, 8);
  return bytes;
}

function gcpConnection(id: string): Uint8Array {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(integer('gcp-psc', id, 0xffff_ffff_ffff_ffffn));
  return bytes;
}

function azureLink(id: string): Uint8Array {
  const bytes = Buffer.from([0x01, 0, 0, 0, 0]);
  bytes.writeUInt32LE(Number(integer('azure-link', id, 0xffff_ffffn)), 1);
  return bytes;
}

function integer(name: string, text: string, most: bigint): bigint {
  const value = /^[0-9]{1,20}$/.test(text) ? BigInt(text) : -1n;
  if (value < 0n || value > most) {
    throw new UsageError(`--tlv ${name}=${text}: the value is a whole number, at most ${most}`);
  }
  return value;
}
