/** Whose PROXY header is believed. */
import { type Cidr, cidrContains, parseAddress } from '../address.js';

/**
 * Whether a peer is a trusted source.
 * @param sources undefined: every peer is
 * @param peer canonical address
 */
export function isTrusted(sources: readonly Cidr[] | undefined, peer: string): boolean {
  if (sources === undefined) return true;
  const bytes = parseAddress(peer);
  return bytes !== undefined && sources.some(source => cidrContains(source, bytes));
}
