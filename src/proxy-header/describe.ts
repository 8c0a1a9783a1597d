/**
 * A PROXY header as plain JSON, for `usher decode` and logs.
 */
import type { SocketAddress } from '../address.js';
import type { ProxyHeader } from './header.js';
import { describeTlv, type TlvDescription } from './tlv.js';

/** Everything is there in every description; an address that the header does not name is null. */
export interface HeaderDescription {
  readonly version: ProxyHeader['version'];
  readonly command: ProxyHeader['command'];
  readonly family: ProxyHeader['family'];
  readonly transport: ProxyHeader['transport'];
  readonly source: SocketAddress | null;
  readonly destination: SocketAddress | null;
  /** Bytes of the whole header; the payload begins behind them. */
  readonly length: number;
  readonly tlvs: readonly TlvDescription[];
}

/** @param length as the decoder gave it. */
export function describeHeader(header: ProxyHeader, length: number): HeaderDescription {
  const { version, command, family, transport } = header;
  const source = header.source ?? null;
  const destination = header.destination ?? null;
  return { version, command, family, transport, source, destination, length, tlvs: header.tlvs.map(describeTlv) };
}
