/** Finds in the text of a JSON document the value that keys and indexes lead to. */
import type { Steps } from '../place.js';
import { afterSpace, endOfString, type Span } from './split-documents.js';

/**
 * The offsets of values in one text. Objects and lists are gone through once, when something in them is asked for: a report
 * asks for thousands of values of the same list.
 */
export class ValueFinder {
  readonly #insides = new Map<number, Inside>();

  constructor(private readonly text: string) {}

  /** The offset of the value's first character. The document is one that JSON.parse took. */
  find(span: Span, steps: Steps): number | undefined {
    let at: number | undefined = afterSpace(this.text, span.start);
    for (const step of steps) {
      if (at === undefined) return undefined;
      at = this.#inside(at).get(step);
    }
    return at;
  }

  #inside(start: number): Inside {
    const known = this.#insides.get(start);
    if (known !== undefined) return known;
    const found = insideOf(this.text, start);
    this.#insides.set(start, found);
    return found;
  }
}

/** Offsets of values by their keys or indexes; nothing where the value is neither an object nor a list. */
type Inside = ReadonlyMap<string | number, number>;

function insideOf(text: string, start: number): Inside {
  if (text[start] === '{') return new Map(members(text, start));
  return new Map(text[start] === '[' ? elements(text, start) : []);
}

/** Of keys that are written twice the last one counts, as with JSON.parse. */
function* members(text: string, start: number): Generator<[string, number]> {
  for (let at = afterSpace(text, start + 1); text[at] === '"'; ) {
    const end = endOfString(text, at);
    const value = afterSpace(text, afterSpace(text, end) + 1);
    yield [String(JSON.parse(text.slice(at, end))), value];
    at = nextSibling(text, value);
  }
}

function* elements(text: string, start: number): Generator<[number, number]> {
  let at = afterSpace(text, start + 1);
  for (let index = 0; at < text.length && text[at] !== ']'; index += 1) {
    yield [index, at];
    at = nextSibling(text, at);
  }
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
