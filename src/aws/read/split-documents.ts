/** Takes a text apart that holds several JSON documents one after another: outputs put together, or one on each line. */

/** Objects and lists in each other. What AWS prints stays below 12. */
export const MAX_NESTING = 64;

/** In one file. */
export const MAX_DOCUMENTS = 10_000;

export interface Span {
  /** Offset of the first character. */
  readonly start: number;
  /** Offset behind the last one. */
  readonly end: number;
}

export interface Fault {
  readonly offset: number;
  /** One sentence. */
  readonly message: string;
}

export interface SplitFault extends Fault {
  /** Where the document begins that does not end; undefined for other faults. */
  readonly start?: number;
}

export interface Split {
  /** The documents before the fault, if there is one. */
  readonly spans: readonly Span[];
  readonly fault: SplitFault | undefined;
}

/** Only brackets and strings are looked at: what stands between them is for the parser to judge. */
export function splitDocuments(text: string): Split {
  const spans: Span[] = [];
  for (let start = afterSpace(text, 0); start < text.length; ) {
    if (!opens(text.charCodeAt(start))) return { spans, fault: { offset: start, message: BETWEEN } };
    if (spans.length === MAX_DOCUMENTS) return { spans, fault: { offset: start, message: TOO_MANY } };
    const end = endOf(text, start);
    if (typeof end !== 'number') return { spans, fault: end };
    spans.push({ start, end });
    start = afterSpace(text, end);
  }
  return { spans, fault: undefined };
}

const BETWEEN = 'a document begins with { or [, and something else stands here';
const TOO_MANY = `there are more than ${MAX_DOCUMENTS} documents, and those from here on were not read`;
const TOO_DEEP = `there are more than ${MAX_NESTING} objects and lists in each other`;
const CUT = 'the file ends inside a document: it seems to be cut';

function endOf(text: string, start: number): number | SplitFault {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at) - 1;
    } else if (opens(code)) {
      depth += 1;
      if (depth > MAX_NESTING) return { offset: at, message: TOO_DEEP };
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return { offset: text.length, message: CUT, start };
}

/** The offset behind a string's closing quote, or the text's end. */
export function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at += 1;
  }
  return text.length;
}

/** The offset of the next character that is not JSON's white space (RFC 8259 2). */
export function afterSpace(text: string, start: number): number {
  let at = start;
  while (at < text.length && isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const CLOSE_BRACE = 0x7d;

function opens(code: number): boolean {
  return code === 0x7b || code === 0x5b;
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}
