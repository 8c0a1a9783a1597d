/**
 * Where a text stops to be JSON (RFC 8259). JSON.parse knows that too, but tells it only in words that differ between
 * versions of V8, and sometimes not at all.
 */
import { afterSpace, type Fault, type Span } from './split-documents.js';

/** The first fault of a document that JSON.parse refused. Its nesting has to be bounded already. */
export function jsonFault(text: string, span: Span): Fault {
  const walk = new Walk(text.slice(0, span.end), span.start);
  try {
    walk.value();
    return walk.fault('something is wrong here');
  } catch (error) {
    if (error instanceof Stop) return error.fault;
    throw error;
  }
}

class Stop extends Error {
  constructor(readonly fault: Fault) {
    super(fault.message);
  }
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const LITERAL = /(?:true|false|null)(?!\w)/y;
const STRING_PART = /[^"\\\p{Cc}]+|[\x7f-\x9f]+|\\["\\/bfnrt]|\\u[\da-fA-F]{4}/uy;

class Walk {
  constructor(
    readonly text: string,
    private at: number,
  ) {}

  fault(message: string): Fault {
    return { offset: this.at, message };
  }

  value(): void {
    const first = this.next();
    if (first === '{') this.object();
    else if (first === '[') this.list();
    else if (first === '"') this.string();
    else if (!this.takes(NUMBER) && !this.takes(LITERAL)) this.stop(first === "'" ? QUOTES : 'a value is missing here');
  }

  private object(): void {
    this.at += 1;
    if (this.skips('}')) return;
    do {
      const first = this.next();
      if (first === '}') this.stop(TRAILING);
      if (first !== '"') this.stop(first === "'" ? QUOTES : 'a key in double quotes is missing here');
      this.string();
      if (!this.skips(':')) this.stop('a colon is missing here');
      this.value();
    } while (this.skips(','));
    if (!this.skips('}')) this.stop('a comma or } is missing here');
  }

  private list(): void {
    this.at += 1;
    if (this.skips(']')) return;
    do {
      if (this.next() === ']') this.stop(TRAILING);
      this.value();
    } while (this.skips(','));
    if (!this.skips(']')) this.stop('a comma or ] is missing here');
  }

  private string(): void {
    this.at += 1;
    while (this.takes(STRING_PART));
    const next = this.text[this.at];
    if (next === '\\') this.stop('a backslash before a character that it cannot stand before');
    if (next !== '"') this.stop('a string goes on over the end of its line, or holds a control character');
    this.at += 1;
  }

  private next(): string | undefined {
    this.at = afterSpace(this.text, this.at);
    return this.text[this.at];
  }

  private skips(character: string): boolean {
    if (this.next() !== character) return false;
    this.at += 1;
    return true;
  }

  private takes(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    if (!pattern.test(this.text)) return false;
    this.at = pattern.lastIndex;
    return true;
  }

  private stop(message: string): never {
    throw new Stop(this.fault(message));
  }
}

const QUOTES = 'JSON has double quotes only';
const TRAILING = 'a comma stands before the closing bracket';
