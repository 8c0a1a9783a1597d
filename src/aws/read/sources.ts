/** The texts of the files, kept to find the line of a value when somebody asks. */
import type { DocumentPlace, Steps } from '../place.js';

export interface Position {
  /** Both from 1; columns are UTF-16 code units. */
  readonly line: number;
  readonly column: number;
}

/** A file's text, and how to find a value of one of its documents in it. */
export interface Source {
  readonly text: string;
  /** The offset of the value's first character. */
  offsetOf(document: number, steps: Steps): number | undefined;
}

export class Sources {
  readonly #lines = new Map<string, Lines>();

  constructor(private readonly files: ReadonlyMap<string, Source>) {}

  /** Where a value begins; undefined when there is no such value. Never throws. */
  lineOf(place: DocumentPlace): Position | undefined {
    const source = this.files.get(place.file);
    const offset = source?.offsetOf(place.document, place.steps);
    return source === undefined || offset === undefined ? undefined : this.#linesOf(place.file, source).at(offset);
  }

  #linesOf(file: string, { text }: Source): Lines {
    const lines = this.#lines.get(file) ?? new Lines(text);
    this.#lines.set(file, lines);
    return lines;
  }
}

/** Characters between two places of a text whose lines are remembered. */
const STRIDE = 16 * 1024;

/** Counts the lines of a text once, and not again for every value. */
class Lines {
  /** For each stride that was passed, the line at its beginning and where that line begins. */
  readonly #marks: { readonly line: number; readonly start: number }[] = [{ line: 1, start: 0 }];

  constructor(private readonly text: string) {}

  at(offset: number): Position {
    const stride = Math.floor(offset / STRIDE);
    let mark = this.#marks[Math.min(stride, this.#marks.length - 1)] ?? { line: 1, start: 0 };
    for (let next = this.#marks.length; next <= stride; next += 1) {
      mark = lineAt(this.text, next * STRIDE, mark, (next - 1) * STRIDE);
      this.#marks.push(mark);
    }
    const { line, start } = lineAt(this.text, offset, mark, stride * STRIDE);
    return { line, column: offset - start + 1 };
  }
}

/** The line at an offset, counted from that at an earlier one. */
function lineAt(text: string, offset: number, known: { line: number; start: number }, from: number) {
  let { line, start } = known;
  for (let at = from; at < offset; at += 1) {
    if (text.charCodeAt(at) !== LINE_FEED) continue;
    line += 1;
    start = at + 1;
  }
  return { line, start };
}

const LINE_FEED = 0x0a;

/** The position of an offset, for who asks once. */
export function positionAt(text: string, offset: number): Position {
  const { line, start } = lineAt(text, offset, { line: 1, start: 0 }, 0);
  return { line, column: offset - start + 1 };
}
