/** What the imported file is made of: keys with their values, and the words above and behind them. */

/** Words above a key. A question is numbered and counted. */
export interface Note {
  readonly kind: 'question' | 'remark';
  /** Sentences; what came from a file in them went through {@link shown}. */
  readonly words: string;
  /** Exact commands, each on a line of its own; the first of them where there are many. */
  readonly commands: readonly string[];
  /** How many were left out. */
  readonly more: number;
}

export interface Entry {
  readonly key: string;
  /** As YAML, safe by construction; undefined: the key is left out, and the notes say why. */
  readonly value: string | undefined;
  /** A few words behind the value. */
  readonly behind: string | undefined;
  readonly notes: readonly Note[];
}

/** `behind`: a few words after the value; notes stand above it. */
export function entry(key: string, value: string | number | undefined, behind?: string, ...notes: Note[]): Entry {
  return { key, value: value === undefined ? undefined : String(value), behind, notes };
}

/** What a person has to answer, with commands that tell the answer. */
export function question(words: string, ...commands: readonly string[]): Note {
  return note('question', words, commands);
}

/** What a person should know, with commands that change it. */
export function remark(words: string, ...commands: readonly string[]): Note {
  return note('remark', words, commands);
}

/** Nobody pastes more; the ones that are shown tell how the others are written. */
const MOST_COMMANDS = 20;

function note(kind: Note['kind'], words: string, commands: readonly string[]): Note {
  const shown = commands.slice(0, MOST_COMMANDS);
  return { kind, words, commands: shown, more: commands.length - shown.length };
}

const LONGEST_SHOWN = 120;

/** Text of a file as it may stand in a comment: one line, nothing that a terminal or an editor obeys, bounded. */
export function shown(text: string, longest = LONGEST_SHOWN): string {
  const cut = text.length > longest ? `${text.slice(0, longest)}…` : text;
  return cut.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, character => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
