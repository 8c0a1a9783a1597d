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
  constructor(private readonly files: ReadonlyMap<string, Source>) {}

  /** Where a value begins; undefined when there is no such value. Never throws. */
  lineOf(place: DocumentPlace): Position | undefined {
    const source = this.files.get(place.file);
    const offset = source?.offsetOf(place.document, place.steps);
    return source === undefined || offset === undefined ? undefined : positionAt(source.text, offset);
  }
}

export function positionAt(text: string, offset: number): Position {
  let line = 1;
  let start = 0;
  for (let end = text.indexOf('\n'); end !== -1 && end < offset; end = text.indexOf('\n', start)) {
    line += 1;
    start = end + 1;
  }
  return { line, column: offset - start + 1 };
}
