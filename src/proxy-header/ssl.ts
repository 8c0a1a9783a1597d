/**
 * The SSL TLV: what the sender knows of the client's TLS connection (PP 2.2.6).
 *
 *     0  bits of the client, one byte    1  verify, four bytes, big endian    5  TLVs
 */
import type { ProxyHeader, Tlv } from './header.js';
import { copyTlvs, tlvsFit } from './tlv-list.js';
import { tlvTypes } from './tlv-types.js';

const VERIFY_AT = 1;
const TLVS_AT = 5;

export interface Ssl {
  /** Bits: 1 over TLS, 2 certificate on this connection, 4 certificate in the TLS session. */
  readonly client: number;
  /** Zero where the client's certificate was verified. */
  readonly verify: number;
}

/** The value of an SSL TLV; undefined where it is too short or its TLVs do not end with it. */
export function readSsl(value: Uint8Array): (Ssl & { readonly tlvs: readonly Tlv[] }) | undefined {
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  if (value.length < TLVS_AT || !tlvsFit(view, TLVS_AT, value.length)) return undefined;
  const tlvs = copyTlvs(view, TLVS_AT, value.length);
  return { client: view.getUint8(0), verify: view.getUint32(VERIFY_AT), tlvs };
}

/** What the first SSL TLV of the header says; undefined where there is none, or it is malformed. */
export function sslOf(header: ProxyHeader): Ssl | undefined {
  const tlv = header.tlvs.find(({ type }) => type === tlvTypes.SSL);
  const ssl = tlv && readSsl(tlv.value);
  return ssl && { client: ssl.client, verify: ssl.verify };
}
