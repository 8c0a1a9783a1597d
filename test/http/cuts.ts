/** What every pure scanner of the engine must keep to, however its bytes are cut. */
import { isDeepStrictEqual } from 'node:util';

/** Characters below U+0100 as the bytes that they stand for. */
export function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

/** What a scanner answers: `more`, `bad`, or a head and where it ends. */
export type Answer = { readonly kind: string; readonly length?: number };

const PAYLOAD = bytesOf('\x00\r\nGET / HTTP/1.1\r\n\r\n');

/**
 * Scans whole, byte by byte, and cut at every offset with payload behind.
 * @returns what is wrong; nothing when every beginning is `more`, or turns bad once and stays so, and when the answer
 *   for the whole doesn't depend on what stands behind it
 */
export function faultsAtCuts(scan: (bytes: Buffer) => Answer, bytes: Buffer): string[] {
  const whole = scan(bytes);
  const faults: string[] = [];
  let before: Answer = { kind: 'more' };
  for (let length = 0; length < bytes.length; length += 1) {
    const answer = scan(bytes.subarray(0, length));
    if (before.kind !== 'more' && !isDeepStrictEqual(answer, before)) faults.push(`changes its mind at ${length}`);
    if (answer.kind !== 'more' && whole.kind === 'head') faults.push(`${answer.kind} at ${length}`);
    before = answer;
  }
  if (before.kind !== 'more' && !isDeepStrictEqual(whole, before)) faults.push('changes its mind at the end');
  if (whole.kind === 'more') return faults;
  if (whole.kind === 'head' && whole.length !== bytes.length) faults.push(`ends at ${whole.length}`);
  for (let length = 1; length <= PAYLOAD.length; length += 1) {
    const longer = Buffer.concat([bytes, PAYLOAD.subarray(0, length)]);
    const answer = scan(longer);
    if (!isDeepStrictEqual(answer, whole)) faults.push(`${length} bytes of payload make it ${answer.kind}`);
    const rest = longer.subarray(answer.length ?? bytes.length);
    if (!rest.equals(PAYLOAD.subarray(0, length))) faults.push(`${length} bytes of payload do not stay whole`);
  }
  return faults;
}

/** Every byte value that `accepts` in the place that `message` gives it. */
export function acceptedBytes(message: (char: string) => string, accepts: (bytes: Buffer) => boolean): string {
  return charsWhere(char => accepts(bytesOf(message(char))));
}

/** All characters below U+0100 of which `holds` is true, in order. */
export function charsWhere(holds: (char: string) => boolean): string {
  const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
  return all.filter(holds).join('');
}

/** All characters below U+0100 that a pattern matches, in order. */
export function charsLike(pattern: RegExp): string {
  return charsWhere(char => pattern.test(char));
}

/** tchar of RFC 9110 5.6.2. */
export const TCHAR = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/;
/** Field content of RFC 9110 5.5: HTAB, SP, VCHAR, obs-text. */
export const CONTENT = /[\t\x20-\x7e\x80-\xff]/;
