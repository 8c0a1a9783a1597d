/** Collects what is wrong in the files: each thing once, and not more than a reader wants to see. */
import { type DocumentPlace, nearest } from '../place.js';
import type { InputProblem } from './input.js';

/** Of one file. */
const MAX_TOLD = 20;

interface Complaint {
  readonly file: string;
  readonly message: string;
  readonly place: DocumentPlace | undefined;
  readonly document: number;
  readonly line: number;
}

type LineOf = (place: DocumentPlace) => { line: number } | undefined;

export class Complaints {
  private readonly told = new Map<string, Complaint[]>();
  private readonly unsaid = new Map<string, number>();

  /** About a value of a document. */
  at(place: DocumentPlace, message: string): void {
    this.add({ file: place.file, message, place, document: place.document, line: 0 });
  }

  /** About a file, or what ended its reading. */
  of(file: string, message: string, document = 0, line = 0): void {
    this.add({ file, message, place: undefined, document, line });
  }

  /** In the order of the files; `lineOf` finds the line of a value. */
  problems(lineOf: LineOf): InputProblem[] {
    return [...this.told].flatMap(([file, complaints]) => {
      const problems = complaints.map(({ place, document, line, message }) => ({
        file,
        document,
        line: place === undefined ? line : (nearest(place, lineOf)?.line ?? 0),
        message,
      }));
      const unsaid = this.unsaid.get(file);
      if (unsaid === undefined) return problems;
      return [...problems, { file, document: 0, line: 0, message: `has ${unsaid} more problems like these` }];
    });
  }

  private add(complaint: Complaint): void {
    const { file, message, document } = complaint;
    const told = this.told.get(file) ?? [];
    if (told.some(other => other.message === message && other.document === document)) return;
    if (told.length < MAX_TOLD) this.told.set(file, [...told, complaint]);
    else this.unsaid.set(file, (this.unsaid.get(file) ?? 0) + 1);
  }
}
