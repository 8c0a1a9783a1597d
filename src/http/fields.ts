/**
 * Field sections: the lines between a start line (or the last chunk) and the empty line. The scanner is strict and
 * pure: it refuses what RFC 9112 section 5 lets a recipient refuse.
 */
import type { Code } from '../codes.js';
import { type FieldKind, kindOf } from './field-names.js';
import { byteAt, COLON, CR, FIELD_CONTENT, HTAB, LF, SP, TOKEN } from './grammar.js';

/** Numbers that `Fields` keeps for each field. */
const MARKS = 5;

/** Where a scan gathers them; they are copied out once, which costs less than lists that grow. */
const marks: number[] = [];
const kinds: FieldKind[] = [];

/**
 * The fields of a message, in the order and the case in which they came. They are places in one text: most fields go on
 * as they came, and nobody ever needs them as strings of their own.
 */
export class Fields {
  /**
   * @param text the message from its first byte to the end of its last field line, a character per byte
   * @param start where the first field line begins
   * @param marks for each field where its name begins and ends, where its value begins and ends, and where its line ends
   * @param kinds what the engine makes of each
   */
  constructor(
    readonly text: string,
    readonly start: number,
    private readonly marks: readonly number[],
    readonly kinds: readonly FieldKind[],
  ) {}

  get count(): number {
    return this.kinds.length;
  }

  name(index: number): string {
    return this.text.slice(this.mark(index, 0), this.mark(index, 1));
  }

  value(index: number): string {
    return this.text.slice(this.mark(index, 2), this.mark(index, 3));
  }

  /** The code of a value's first character, or of what ends the line of one that is empty. */
  valueBegin(index: number): number {
    return this.text.charCodeAt(this.mark(index, 2));
  }

  /** The value of the first field of that name (lower case). */
  valueOf(name: string): string | undefined {
    const index = this.kinds.findIndex((_, index) => this.name(index).toLowerCase() === name);
    return index < 0 ? undefined : this.value(index);
  }

  lineStart(index: number): number {
    return this.mark(index, 0);
  }

  lineEnd(index: number): number {
    return this.mark(index, 4);
  }

  /** Whether the line is as usher would write it: one space behind the colon, nothing behind the value. */
  isCanonical(index: number): boolean {
    const colon = this.mark(index, 1);
    const spaced = this.mark(index, 2) === colon + 2 && this.text.charCodeAt(colon + 1) === SP;
    return spaced && this.mark(index, 4) === this.mark(index, 3) + 2;
  }

  /** Names and values in turn. */
  list(): string[] {
    return this.kinds.flatMap((_, index) => [this.name(index), this.value(index)]);
  }

  private mark(index: number, which: number): number {
    return this.marks[MARKS * index + which] ?? 0;
  }
}

/**
 * A copy of a piece of a head, for what outlives its exchange: the piece itself is a view of the whole head and would
 * keep all of it in memory.
 */
export function detached(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** How many fields and bytes a section may have. */
export interface FieldLimits {
  readonly headFields: number;
  readonly headBytes: number;
}

/** The result of a scan. `end` is the offset behind the empty line. */
export type FieldScan =
  | { readonly kind: 'more' }
  | { readonly kind: 'bad'; readonly code: Code }
  | { readonly kind: 'fields'; readonly end: number; readonly fields: Fields };

const MORE = { kind: 'more' } as const;

function bad(code: Code): FieldScan {
  return { kind: 'bad', code };
}

/**
 * Scans a field section that begins at `from` (RFC 9112 5).
 * @param bytes the message so far; `from` is where its first field line begins
 * @param start where the head begins, for the limit on its bytes
 */
export function scanFields(bytes: Buffer, start: number, from: number, limits: FieldLimits): FieldScan {
  const stop = Math.min(bytes.length, start + limits.headBytes);
  let count = 0;
  let at = from;
  for (;;) {
    if (at >= stop) return unfinished(bytes, stop);
    if (bytes[at] === CR) break;
    if (count >= limits.headFields) return bad('too-many-fields');
    const colon = nameEnd(bytes, at, stop);
    if (colon === stop) return unfinished(bytes, stop);
    if (colon === at || bytes[colon] !== COLON) return bad(nameFault(bytes, at, colon));
    let first = colon + 1;
    while (first < stop && isBlank(bytes[first])) first += 1;
    const end = contentEnd(bytes, first, stop);
    if (end + 1 >= stop) return end < stop && bytes[end] !== CR ? bad(valueFault(bytes, end)) : unfinished(bytes, stop);
    if (bytes[end] !== CR || bytes[end + 1] !== LF) return bad(valueFault(bytes, end));
    let last = end;
    while (last > first && isBlank(bytes[last - 1])) last -= 1;
    const kind = kindOf(bytes, at, colon);
    if (last < end && isTabbedFraming(kind, bytes.subarray(last, end))) last = end;
    kinds[count] = kind;
    keepMarks(MARKS * count, at - start, colon - start, first - start, last - start, end + 2 - start);
    count += 1;
    at = end + 2;
  }
  if (at + 1 >= stop) return unfinished(bytes, stop);
  if (bytes[at + 1] !== LF) return bad('line-ending-invalid');
  return {
    kind: 'fields',
    end: at + 2,
    fields: takeFields(bytes.toString('latin1', start, at), from - start, count),
  };
}

function keepMarks(at: number, name: number, colon: number, value: number, valueEnd: number, lineEnd: number): void {
  marks[at] = name;
  marks[at + 1] = colon;
  marks[at + 2] = value;
  marks[at + 3] = valueEnd;
  marks[at + 4] = lineEnd;
}

function takeFields(text: string, start: number, count: number): Fields {
  return new Fields(text, start, marks.slice(0, MARKS * count), kinds.slice(0, count));
}

/**
 * Whether a tab stands behind the value of a framing field. It is white space to RFC 9112 5.1 and part of the value to
 * widespread parsers, so that two of them may find different bodies: it stays in the value, which then means nothing.
 */
function isTabbedFraming(kind: FieldKind, behind: Buffer): boolean {
  return (kind === 'content-length' || kind === 'transfer-encoding') && behind.includes(HTAB);
}

function isBlank(byte: number | undefined): boolean {
  return byte === SP || byte === HTAB;
}

function nameEnd(bytes: Buffer, from: number, stop: number): number {
  let at = from;
  while (at < stop && TOKEN[byteAt(bytes, at)] === 1) at += 1;
  return at;
}

function contentEnd(bytes: Buffer, from: number, stop: number): number {
  let at = from;
  while (at < stop && FIELD_CONTENT[byteAt(bytes, at)] === 1) at += 1;
  return at;
}

function nameFault(bytes: Buffer, lineStart: number, at: number): Code {
  if (at === lineStart && isBlank(bytes[at])) return 'field-folded';
  return bytes[at] === LF ? 'line-ending-invalid' : 'field-name-invalid';
}

function valueFault(bytes: Buffer, at: number): Code {
  return bytes[at] === LF || bytes[at] === CR ? 'line-ending-invalid' : 'field-value-invalid';
}

function unfinished(bytes: Buffer, stop: number): FieldScan {
  return bytes.length > stop ? bad('head-too-large') : MORE;
}
