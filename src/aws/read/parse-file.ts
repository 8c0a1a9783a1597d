/** From a file's text to the values of its documents. */
import { findValue } from './find-value.js';
import { jsonFault } from './json-fault.js';
import { positionAt, type Source } from './sources.js';
import { type Fault, type Span, type SplitFault, splitDocuments } from './split-documents.js';
import { looksOfText } from './text-looks.js';
import { parseYaml } from './yaml-documents.js';

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

/** JSON when the text begins with a bracket, else YAML. */
export function parseFile(text: string): Parsed {
  const looks = looksOfText(text);
  if (looks !== undefined) {
    const fault = { document: 0, line: 0, message: looks };
    return { documents: [], source: { text, offsetOf: () => undefined }, fault };
  }
  return /^\s*[{[]/.test(text) ? parseJson(text) : parseYaml(text);
}

function parseJson(text: string): Parsed {
  const split = splitDocuments(text);
  const documents: unknown[] = [];
  const source = jsonSource(text, split.spans);
  for (const span of split.spans) {
    try {
      documents.push(JSON.parse(text.slice(span.start, span.end)));
    } catch {
      return { documents, source, fault: told(text, documents.length, jsonFault(text, span)) };
    }
  }
  return { documents, source, fault: split.fault && told(text, documents.length, earliest(text, split.fault)) };
}

/** A document that does not end may have a fault long before the end of the file. */
function earliest(text: string, fault: SplitFault): Fault {
  if (fault.start === undefined) return fault;
  const other = jsonFault(text, { start: fault.start, end: text.length });
  return other.offset < text.trimEnd().length ? other : fault;
}

function jsonSource(text: string, spans: readonly Span[]): Source {
  return {
    text,
    offsetOf(document, steps) {
      const span = spans[document];
      return span && findValue(text, span, steps);
    },
  };
}

function told(text: string, document: number, fault: Fault): ParseFault {
  const { line, column } = positionAt(text, fault.offset);
  return { document, line, message: `is not valid JSON at column ${column}: ${fault.message}` };
}
