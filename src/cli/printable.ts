/**
 * Bytes from the network on their way to a terminal: whatever could move the cursor, change colours or reorder text
 * is written as an escape instead.
 */

/**
 * Text that a terminal shows and does not obey. Line feeds and tabs stay, CR LF becomes LF; other control, format
 * (bidi, zero width) and line-separator characters become `\xNN` or `\u{…}`.
 */
export function printable(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, character => {
    const point = character.codePointAt(0) ?? 0;
    return point < 0x100 ? `\\x${point.toString(16).padStart(2, '0')}` : `\\u{${point.toString(16)}}`;
  });
}

/** The same on one line. */
export function printableLine(text: string): string {
  return printable(text).replace(/\n/g, '\\n').replace(/\t/g, '\\t');
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
