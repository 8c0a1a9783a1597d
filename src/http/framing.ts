/** How long a message body is (RFC 9112 6.3), decided once, from the fields alone. */
import type { Code } from '../codes.js';
import { parseLength } from './grammar.js';

/** `close`: until the sender ends the connection (responses only). `length` is in bytes. */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'close' };

export const NO_BODY: Framing = { kind: 'none' };
export const CHUNKED: Framing = { kind: 'chunked' };
export const UNTIL_CLOSE: Framing = { kind: 'close' };

/**
 * The framing that the fields declare; undefined when they declare none. Every ambiguity is a fault: a length beside a
 * transfer coding, a repeated length (even an equal one: two parsers may count differently), any coding but one
 * `chunked`, a transfer coding in HTTP/1.0.
 * @param lengths values of all Content-Length fields, in order
 * @param codings values of all Transfer-Encoding fields, in order
 */
export function declaredFraming(
  lengths: readonly string[],
  codings: readonly string[],
  minor: 0 | 1,
): Framing | Code | undefined {
  if (codings.length > 0) {
    if (lengths.length > 0 || minor === 0) return 'framing-ambiguous';
    if (codings.length > 1 || codings[0]?.toLowerCase() !== 'chunked') return 'transfer-coding-invalid';
    return CHUNKED;
  }
  const [declared] = lengths;
  if (declared === undefined) return undefined;
  if (lengths.length > 1) return 'framing-ambiguous';
  const length = parseLength(declared);
  if (length === undefined) return 'content-length-invalid';
  return length === 0 ? EMPTY : { kind: 'length', length };
}

const EMPTY: Framing = { kind: 'length', length: 0 };

/**
 * The framing of a response (RFC 9112 6.3): a response to HEAD, 1xx, 204 and 304 have no body whatever they declare.
 */
export function responseFraming(status: number, toHead: boolean, declared: Framing | undefined): Framing {
  if (toHead || status < 200 || status === 204 || status === 304) return NO_BODY;
  return declared ?? UNTIL_CLOSE;
}

/** How many bytes a body has that needs no framing of its own to be found; without end for those that do. */
export function lengthOf(framing: Framing): number {
  if (framing.kind === 'none') return 0;
  return framing.kind === 'length' ? framing.length : Number.POSITIVE_INFINITY;
}
