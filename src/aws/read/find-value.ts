/** Finds in the text of a JSON document the value that keys and indexes lead to. */
import type { Steps } from '../place.js';
import { afterSpace, endOfString, type Span } from './split-documents.js';

/** The offset of the value's first character. The document is one that JSON.parse took. */
export function findValue(text: string, span: Span, steps: Steps): number | undefined {
  let at: number | undefined = afterSpace(text, span.start);
  for (const step of steps) {
    if (at === undefined) return undefined;
    at = typeof step === 'number' ? element(text, at, step) : member(text, at, step);
  }
  return at;
}

/** Of keys that are written twice the last one counts, as with JSON.parse. */
function member(text: string, start: number, key: string): number | undefined {
  if (text[start] !== '{') return undefined;
  let found: number | undefined;
  for (let at = afterSpace(text, start + 1); text[at] === '"'; ) {
    const end = endOfString(text, at);
    const value = afterSpace(text, afterSpace(text, end) + 1);
    if (JSON.parse(text.slice(at, end)) === key) found = value;
    at = nextSibling(text, value);
  }
  return found;
}

function element(text: string, start: number, index: number): number | undefined {
  if (text[start] !== '[') return undefined;
  let at = afterSpace(text, start + 1);
  for (let left = index; at < text.length && text[at] !== ']'; left -= 1) {
    if (left === 0) return at;
    at = nextSibling(text, at);
  }
  return undefined;
}

/** Behind a value and its comma; the closing bracket when it is the last one. */
function nextSibling(text: string, start: number): number {
  const at = afterSpace(text, endOfValue(text, start));
  return text[at] === ',' ? afterSpace(text, at + 1) : at;
}

function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') {
      at = endOfString(text, at) - 1;
    } else if (character === '{' || character === '[') {
      depth += 1;
    } else if (character === '}' || character === ']') {
      if (depth === 0) return at;
      depth -= 1;
    } else if (character === ',' && depth === 0) {
      return at;
    }
  }
  return text.length;
}
