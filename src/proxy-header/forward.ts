/** The PROXY header that usher sends on to a backend: what it has received, said again. */
import { randomUUID } from 'node:crypto';
import { type Ends, encodeV1, encodeV2 } from './encode.js';
import type { ProxyHeader, Tlv } from './header.js';
import { TLV_HEAD_BYTES } from './tlv-list.js';
import { tlvTypes } from './tlv-types.js';

/** What a listener sends to its backend in front of everything else. */
export interface ForwardSettings {
  readonly version: 'v1' | 'v2';
  /** Add a UNIQUE_ID where the header that came has none. */
  readonly uniqueId: boolean;
}

/**
 * The header for a connection: both ends as they were received, the TLVs byte for byte in their order, and behind them
 * a fresh CRC32C (PP 2.2.3). A LOCAL header stays LOCAL (v1: UNKNOWN), and an unknown client stays unknown.
 * @param received undefined: none came, and `ends` are those of the connection itself; undefined: nobody knows them
 */
export function forwardedHeader(
  { version, uniqueId }: ForwardSettings,
  received: ProxyHeader | undefined,
  ends: Ends | undefined,
): Buffer {
  const known = received === undefined ? ends : endsOf(received);
  if (version === 'v1') return Buffer.from(encodeV1(known ?? 'unknown'));
  if (received?.command === 'LOCAL') return localHeader('v2');
  const tlvs = (received?.tlvs ?? []).filter(({ type }) => type !== tlvTypes.CRC32C);
  return Buffer.from(encodeV2({ command: 'PROXY', ...known, ...extended(tlvs, uniqueId) }));
}

/** What usher's own checks send: nobody is spoken for (PP 2.2). */
export function localHeader(version: 'v1' | 'v2'): Buffer {
  return Buffer.from(version === 'v1' ? encodeV1('unknown') : encodeV2({ command: 'LOCAL', crc32c: true }));
}

function endsOf({ source, destination }: ProxyHeader): Ends | undefined {
  return source === undefined || destination === undefined ? undefined : { source, destination };
}

/** Two addresses and ports of IPv6, a UNIQUE_ID and a CRC32C take less. */
const OWN_BYTES = 128;
const MAX_LENGTH = 0xffff;

/** What usher adds; nothing to a header that is full already, as it may be where `limits.proxyHeader` allows 64 KiB. */
function extended(tlvs: readonly Tlv[], uniqueId: boolean): { tlvs: readonly Tlv[]; crc32c: boolean } {
  const length = tlvs.reduce((sum, { value }) => sum + TLV_HEAD_BYTES + value.length, 0);
  if (length > MAX_LENGTH - OWN_BYTES) return { tlvs, crc32c: false };
  return { tlvs: uniqueId ? withUniqueId(tlvs) : tlvs, crc32c: true };
}

function withUniqueId(tlvs: readonly Tlv[]): readonly Tlv[] {
  if (tlvs.some(({ type }) => type === tlvTypes.UNIQUE_ID)) return tlvs;
  return [...tlvs, { type: tlvTypes.UNIQUE_ID, value: new TextEncoder().encode(randomUUID()) }];
}
