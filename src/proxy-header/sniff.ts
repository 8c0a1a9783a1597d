/**
 * What the first bytes of a connection look like when they are not a PROXY header, to tell a person what is wrong:
 * a TLS ClientHello, say, means that the balancer sends no PROXY header. Never used to decide how bytes are read
 * (PP 5: the receiver must not guess).
 */
import { Buffer } from 'node:buffer';

/** A closed set, good for logs and metric labels. */
export type Opening = 'http' | 'http2' | 'tls' | 'ssh' | 'proxy-v1' | 'proxy-v2' | 'empty' | 'unknown';

/** More than the longest text below. */
const LOOKED_AT_BYTES = 24;

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', 'PROPFIND'];

/** In the order in which they are tried; the v2 signature by its first five bytes, which nothing else begins with. */
const openings: readonly { readonly kind: Opening; readonly begins: (text: string) => boolean }[] = [
  { kind: 'empty', begins: text => text === '' },
  { kind: 'proxy-v2', begins: text => text.startsWith('\r\n\r\n\0') },
  { kind: 'proxy-v1', begins: text => /^proxy/i.test(text) },
  { kind: 'http2', begins: text => text.startsWith('PRI * HTTP/2.0') },
  { kind: 'tls', begins: text => text.startsWith('\x16\x03') },
  { kind: 'ssh', begins: text => text.startsWith('SSH-') },
  { kind: 'http', begins: beginsWithMethod },
];

/** @param bytes what was received so far, as much as there is. */
export function sniff(bytes: Uint8Array): Opening {
  const text = Buffer.from(bytes.subarray(0, LOOKED_AT_BYTES)).toString('latin1');
  return openings.find(({ begins }) => begins(text))?.kind ?? 'unknown';
}

/** A method that is cut counts too: bytes may come one by one. */
function beginsWithMethod(text: string): boolean {
  return METHODS.some(method => text.startsWith(`${method} `) || `${method} `.startsWith(text));
}
