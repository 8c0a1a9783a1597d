/** What parsing a file gives. */
import type { Source } from './sources.js';

export interface Parsed {
  /** By their number; `undefined`: nothing to read there. */
  readonly documents: readonly unknown[];
  readonly source: Source;
  /** What ended the reading: what stands before it counts. */
  readonly fault: ParseFault | undefined;
}

export interface ParseFault {
  readonly document: number;
  /** From 1; 0: the file as a whole. */
  readonly line: number;
  readonly message: string;
}

/** A file of which nothing could be read. */
export function unparsed(text: string, message: string): Parsed {
  return { documents: [], source: { text, offsetOf: () => undefined }, fault: { document: 0, line: 0, message } };
}
