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
