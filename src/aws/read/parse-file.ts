/** From a file's text to the values of its documents. */
import { ValueFinder } from './find-value.js';
import { jsonFault } from './json-fault.js';
import { type Parsed, type ParseFault, unparsed } from './parsed.js';
import { positionAt, type Source } from './sources.js';
import { type Fault, type Span, type SplitFault, splitDocuments } from './split-documents.js';
import { looksOfText } from './text-looks.js';
import { parseYaml } from './yaml-documents.js';

/** JSON when the text begins with a bracket, else YAML. */
export function parseFile(text: string): Parsed {
  const looks = looksOfText(text);
  if (looks !== undefined) return unparsed(text, looks);
  return /^\s*[{[]/.test(text) ? parseJson(text) : parseYaml(text);
}

function parseJson(text: string): Parsed {
  const { spans, fault } = splitDocuments(text);
  const documents: unknown[] = [];
  for (const span of spans) {
    try {
      documents.push(JSON.parse(text.slice(span.start, span.end)));
    } catch {
      return parsed(text, documents, spans, jsonFault(text, span));
    }
  }
  return parsed(text, documents, spans, fault && earliest(text, fault));
}

function parsed(text: string, documents: readonly unknown[], spans: readonly Span[], fault: Fault | undefined): Parsed {
  const source = jsonSource(text, spans.slice(0, documents.length));
  return { documents, source, fault: fault && told(text, documents.length, fault) };
}

function jsonSource(text: string, spans: readonly Span[]): Source {
  const finder = new ValueFinder(text);
  return {
    text,
    offsetOf(document, steps) {
      const span = spans[document];
      return span && finder.find(span, steps);
    },
  };
}

/** A document that does not end may have a fault long before the end of the file. */
function earliest(text: string, fault: SplitFault): Fault {
  if (fault.start === undefined) return fault;
  const other = jsonFault(text, { start: fault.start, end: text.length });
  return other.offset < text.trimEnd().length ? other : fault;
}

function told(text: string, document: number, fault: Fault): ParseFault {
  const { line, column } = positionAt(text, fault.offset);
  const looks = looksOfText(text.slice(fault.offset, fault.offset + 2000));
  const message =
    looks === undefined ? `is not valid JSON at column ${column}: ${fault.message}` : `${looks}, from here on`;
  return { document, line, message };
}
