/** Text from files on its way to a terminal or a log. */

/** Control, format (bidi, zero width) and line-separator characters, and halves of surrogate pairs. */
const OBEYED = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** What begins a command anywhere in a line of a log: `##[error]` for GitHub Actions, `##vso[` for Azure Pipelines. */
const OBEYED_IN_LOGS = /##(?=\w*\[)/g;

/** One line that a terminal shows and does not obey: what it would obey becomes `\xNN` or `\u{…}`. */
export function plain(text: string): string {
  return text.replace(OBEYED_IN_LOGS, '#\\x23').replace(OBEYED, character => {
    const point = character.codePointAt(0) ?? 0;
    if (character === '\n') return '\\n';
    if (character === '\t') return '\\t';
    return point < 0x100 ? `\\x${point.toString(16).padStart(2, '0')}` : `\\u{${point.toString(16)}}`;
  });
}

/** The same, line by line. */
export function plainLines(text: string): string[] {
  return text.split(/\r?\n/).map(plain);
}
