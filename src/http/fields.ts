/**
 * Field sections: the lines between a start line (or the last chunk) and the empty line. The scanner is strict and
 * pure: it refuses what RFC 9112 section 5 lets a recipient refuse.
 */
import type { Code } from '../codes.js';
import { byteAt, COLON, CR, FIELD_CONTENT, HTAB, LF, SP, TOKEN } from './grammar.js';

/** Names whose meaning the engine knows. Everything else is passed on as it is. */
const KNOWN = [
  'connection',
  'content-length',
  'date',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'sec-websocket-key',
  'sec-websocket-version',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
] as const;

export type KnownField = (typeof KNOWN)[number];

const KNOWN_BY_NAME: ReadonlyMap<string, KnownField> = new Map(KNOWN.map(name => [name, name]));
const KNOWN_LENGTHS = new Set(KNOWN.map(name => name.length));

/** The known field of that name in any case. */
export function knownField(name: string): KnownField | undefined {
  return KNOWN_LENGTHS.has(name.length) ? KNOWN_BY_NAME.get(name.toLowerCase()) : undefined;
}

/** Any mark that a name may have: CGI and its heirs see `_` in place of all of them (RFC 3875 4.1.18). */
const MARK = '[^0-9a-z]';
const FORWARDING = `forwarded|x${MARK}forwarded(?:${MARK}.*)?|x${MARK}real${MARK}ip`;
const DISGUISED = KNOWN.filter(name => name.includes('-'))
  .map(name => name.replaceAll('-', MARK))
  .join('|');
const RESERVED = new RegExp(`^(?:${FORWARDING}|${DISGUISED})$`, 'i');

/**
 * Names that only usher may speak: `X-Forwarded-*`, `Forwarded` and `X-Real-IP`, and whatever a backend that folds
 * hyphens into underscores would take for one of them or for a field that the engine acts on (`Content_Length`).
 */
export function isReservedName(name: string): boolean {
  return name.length >= SHORTEST_RESERVED && RESERVED.test(name);
}

const SHORTEST_RESERVED = 'forwarded'.length;

/**
 * Adds the members of a comma-separated list, lower case, empty ones left out (RFC 9110 5.6.1). Linear in the length
 * of the value: a pattern that trims blanks would try every run of them from each of its bytes.
 */
export function addListNames(names: string[], value: string): void {
  for (const member of value.toLowerCase().split(',')) {
    let start = 0;
    let end = member.length;
    while (start < end && isBlank(member.charCodeAt(start))) start += 1;
    while (end > start && isBlank(member.charCodeAt(end - 1))) end -= 1;
    if (end > start) names.push(member.slice(start, end));
  }
}

/** The name or value at an index that is known to exist. */
export function textAt(fields: readonly string[], index: number): string {
  return fields[index] ?? '';
}

/** How many fields and bytes a section may have. */
export interface FieldLimits {
  readonly headFields: number;
  readonly headBytes: number;
}

/**
 * The result of a scan. `end` is the offset behind the empty line. `fields` alternates names and values, in the
 * order and the case in which they came.
 */
export type FieldScan =
  | { readonly kind: 'more' }
  | { readonly kind: 'bad'; readonly code: Code }
  | { readonly kind: 'fields'; readonly end: number; readonly fields: readonly string[] };

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
  const marks: number[] = [];
  let at = from;
  for (;;) {
    if (at >= stop) return unfinished(bytes, stop);
    if (bytes[at] === CR) break;
    if (marks.length >= 4 * limits.headFields) return bad('too-many-fields');
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
    if (last < end && isTabbedFraming(bytes, at, colon, last, end)) last = end;
    marks.push(at, colon, first, last);
    at = end + 2;
  }
  if (at + 1 >= stop) return unfinished(bytes, stop);
  if (bytes[at + 1] !== LF) return bad('line-ending-invalid');
  return { kind: 'fields', end: at + 2, fields: cut(bytes, from, at, marks) };
}

/**
 * Whether a tab stands behind the value of a framing field. It is white space to RFC 9112 5.1 and part of the value to
 * widespread parsers, so that two of them may find different bodies: it stays in the value, which then means nothing.
 */
function isTabbedFraming(bytes: Buffer, nameStart: number, nameEnd: number, from: number, to: number): boolean {
  if (!bytes.subarray(from, to).includes(HTAB)) return false;
  const known = knownField(bytes.toString('latin1', nameStart, nameEnd));
  return known === 'content-length' || known === 'transfer-encoding';
}

/** One decoding of the whole section and slices of it are several times cheaper than a decoding per name and value. */
function cut(bytes: Buffer, from: number, to: number, marks: readonly number[]): string[] {
  const text = bytes.toString('latin1', from, to);
  const fields: string[] = [];
  let start = -1;
  for (const mark of marks) {
    if (start < 0) start = mark;
    else {
      fields.push(text.slice(start - from, mark - from));
      start = -1;
    }
  }
  return fields;
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
