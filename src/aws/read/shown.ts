/** Pieces of a stranger's file in a message: short, in quotes, on one line. */

const MAX_SHOWN = 60;

/** At most 60 characters; a cut is marked. */
export function cut(text: string): string {
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** In double quotes, control characters escaped as JSON has them. */
export function quoted(text: string): string {
  return JSON.stringify(cut(text));
}

/** What a value is, in few words: `"abc"`, `12`, `a list`. */
export function described(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  return cut(String(value));
}
