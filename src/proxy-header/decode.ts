/**
 * The decoder of both versions. Pure: bytes in, one of three answers out; calling it again with more bytes behind the
 * same ones is how a header that comes in pieces is read. The answer never depends on where it was cut.
 */
import { bad, type Decoded, more } from './header.js';
import { V1_SIGNATURE, V2_SIGNATURE } from './signature.js';
import { decodeV1 } from './v1.js';
import { decodeV2 } from './v2.js';

/** The 16 fixed bytes of v2 and 4096 bytes of addresses and TLVs. */
export const DEFAULT_MAX_BYTES = 16 + 4096;

/**
 * @param bytes everything received so far, from the first byte of the connection on; only borrowed, nothing of the
 *   answer points into it.
 * @param maxBytes most bytes that a header may have, of either version (v1 never has more than 107).
 * @returns bytes that can no longer become a header are bad at once; what is behind a header is not looked at.
 */
export function decodeProxyHeader(bytes: Uint8Array, maxBytes: number = DEFAULT_MAX_BYTES): Decoded {
  switch (bytes[0]) {
    case undefined:
      return more;
    case V2_SIGNATURE[0]:
      return decodeV2(bytes, maxBytes);
    case V1_SIGNATURE[0]:
      return decodeV1(bytes, maxBytes);
    default:
      return bad('header-missing');
  }
}
