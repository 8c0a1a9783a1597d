/**
 * Bytes from the network on their way to a terminal: whatever could move the cursor, change colours or reorder text
 * is written as an escape instead.
 */
import { plain } from '../plain.js';

/** Text that a terminal shows and does not obey, see {@link plain}. Line feeds and tabs stay, CR LF becomes LF. */
export function printable(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(/[^\n\t]+/g, plain);
}

/** The same on one line. */
export function printableLine(text: string): string {
  return plain(text.replaceAll('\r\n', '\n'));
}

/** Indented JSON and a line feed, still the same JSON, with nothing in it that a terminal obeys. */
export function printableJson(value: unknown): string {
  const json = JSON.stringify(value, null, 2).replace(/(?!\n)[\p{Cc}\p{Cf}\u2028\u2029]/gu, character =>
    Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
      .map(unit => `\\u${unit.toString(16).padStart(4, '0')}`)
      .join(''),
  );
  return `${json}\n`;
}
