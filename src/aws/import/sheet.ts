/** The text of the imported file, line by line, and the questions in it. */
import { type Entry, type Note, shown } from './entry.js';

/** Something that the files do not say and a person has to. */
export interface Question {
  /** From 1, in the order of the file. */
  readonly number: number;
  /** Where it stands first, `listeners.chat.backendPort`. */
  readonly path: string;
  readonly words: string;
  readonly commands: readonly string[];
  /** How many commands like these were left out. */
  readonly more: number;
}

const WIDTH = 110;
const LONGEST_COMMAND = 2000;

export class Sheet {
  readonly questions: Question[] = [];
  readonly #lines: string[] = [];

  get text(): string {
    return this.#lines.map(line => `${line}\n`).join('');
  }

  /** A line as it is; empty: an empty one. */
  line(depth: number, text = ''): void {
    this.#lines.push(`${'  '.repeat(depth)}${text}`.trimEnd());
  }

  /** A comment, broken where it is too long; `hang` stands in front of all lines but the first. */
  comment(depth: number, words: string, hang = ''): void {
    const width = WIDTH - 2 * depth - 2;
    let line = '';
    for (const word of words.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        this.line(depth, `# ${line}`);
        line = hang + word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    this.line(depth, `# ${line}`);
  }

  /** A command to paste: never broken. */
  command(depth: number, text: string): void {
    this.line(depth, `#   ${shown(text, LONGEST_COMMAND)}`);
  }

  /** `path`: of the mapping around the key. */
  entry(depth: number, path: string, { key, value, behind, notes }: Entry): void {
    for (const note of notes) this.#note(depth, `${path}.${key}`, note);
    if (value !== undefined) this.line(depth, `${key}: ${value}${behind === undefined ? '' : ` # ${behind}`}`);
  }

  #note(depth: number, path: string, { kind, words, commands, more }: Note): void {
    const same = (question: Question) =>
      question.words === words && question.more === more && question.commands.join('\n') === commands.join('\n');
    const asked = this.questions.find(same);
    if (kind === 'question' && asked !== undefined) {
      this.comment(depth, `QUESTION ${asked.number}, once more.`);
      return;
    }
    const number = this.questions.length + 1;
    if (kind === 'question') this.questions.push({ number, path, words, commands, more });
    this.comment(depth, kind === 'question' ? `QUESTION ${number}: ${words}` : words);
    for (const command of commands) this.command(depth, command);
    if (more > 0) this.line(depth, `#   and ${more} more like these`);
  }
}
