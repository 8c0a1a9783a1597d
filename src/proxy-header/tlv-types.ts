/**
 * Numbers and names of TLV types: of the specification (PP 2.2.1 to 2.2.8) and of the clouds.
 */

export const tlvTypes = {
  ALPN: 0x01,
  AUTHORITY: 0x02,
  CRC32C: 0x03,
  NOOP: 0x04,
  UNIQUE_ID: 0x05,
  SSL: 0x20,
  NETNS: 0x30,
  GCP: 0xe0,
  AWS: 0xea,
  AZURE: 0xee,
} as const;

/** Types inside the value of an SSL TLV (PP 2.2.6). */
export const sslTlvTypes = {
  VERSION: 0x21,
  CN: 0x22,
  CIPHER: 0x23,
  SIG_ALG: 0x24,
  KEY_ALG: 0x25,
  GROUP: 0x26,
  SIG_SCHEME: 0x27,
  CLIENT_CERT: 0x28,
} as const;

const FIRST_CUSTOM = 0xe0;
const FIRST_EXPERIMENTAL = 0xf0;
const FIRST_FUTURE = 0xf8;

/** The name of a range of types that have none of their own (PP 2.2.8). */
export function rangeName(type: number): string {
  if (type >= FIRST_FUTURE) return 'FUTURE';
  if (type >= FIRST_EXPERIMENTAL) return 'EXPERIMENTAL';
  return type >= FIRST_CUSTOM ? 'CUSTOM' : 'UNKNOWN';
}
