/**
 * Field names: those whose meaning the engine knows, those that only usher may speak, and the lists of names that some
 * fields hold.
 */
import { byteAt, HTAB, SP } from './grammar.js';

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
  'max-forwards',
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

/** The known field of that name in any case. */
export function knownField(name: string): KnownField | undefined {
  return KNOWN_BY_NAME.get(name.toLowerCase());
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
  return RESERVED.test(name);
}

/** What the engine makes of a field: it has a meaning, or nobody but usher may send it, or it just goes on. */
export type FieldKind = KnownField | 'reserved' | undefined;

/** Names at least as long share a place. */
const LONGEST = 31;

function placeOf(first: number, length: number): number {
  return ((first & 0x1f) << 5) | Math.min(length, LONGEST);
}

/** For each first letter and length the one known name that has them: most names are told from it by these two. */
const BY_PLACE: (Uint8Array | undefined)[] = Array.from({ length: 32 * (LONGEST + 1) });
const KIND_BY_PLACE: (KnownField | undefined)[] = Array.from({ length: BY_PLACE.length });
for (const name of KNOWN) {
  const place = placeOf(name.charCodeAt(0), name.length);
  BY_PLACE[place] = Buffer.from(name);
  KIND_BY_PLACE[place] = name;
}
const LETTER_X = 0x18;
const LETTER_F = 0x66;
const LETTER_R = 0x72;
const SHORTEST_X = 'x-real-ip'.length;

/** Whether a name may be one of `X-Forwarded-*` and `X-Real-IP` in any disguise; tells most others without the pattern. */
function mayBeForwarding(bytes: Buffer, from: number, length: number): boolean {
  if ((byteAt(bytes, from) & 0x1f) !== LETTER_X || length < SHORTEST_X) return false;
  const third = byteAt(bytes, from + 2) | 0x20;
  return third === LETTER_F || third === LETTER_R;
}

/** The kind of the field whose name stands from `from` to `to`; the same as {@link knownField} and {@link isReservedName}. */
export function kindOf(bytes: Buffer, from: number, to: number): FieldKind {
  const length = to - from;
  const place = placeOf(byteAt(bytes, from), length);
  const candidate = BY_PLACE[place];
  if (candidate !== undefined) {
    let i = 0;
    while (i < length && (byteAt(bytes, from + i) | 0x20) === candidate[i]) i += 1;
    // Bit 0x20 makes letters lower case and leaves `-` and digits, but it makes a `-` of CR, which no name holds.
    if (i === length) return KIND_BY_PLACE[place];
  } else if (!mayBeForwarding(bytes, from, length)) return undefined;
  return isReservedName(bytes.toString('latin1', from, to)) ? 'reserved' : undefined;
}

/** Values of one field that may come in several lines. Nearly always there is one; to spread an empty list costs 0.1 µs. */
export function withValue(values: readonly string[], value: string): readonly string[] {
  return values.length === 0 ? [value] : [...values, value];
}

const KEEP_ALIVE: readonly string[] = ['keep-alive'];
const CLOSE: readonly string[] = ['close'];
const UPGRADE: readonly string[] = ['upgrade'];

/** The list that nearly every message has; undefined: another one. */
function usualList(value: string): readonly string[] | undefined {
  if (value === 'keep-alive') return KEEP_ALIVE;
  if (value === 'close') return CLOSE;
  return value === 'Upgrade' ? UPGRADE : undefined;
}

/** Members of a comma-separated list behind those of the fields before it; see {@link addListNames}. */
export function withListNames(names: readonly string[], value: string): readonly string[] {
  const usual = names.length === 0 ? usualList(value) : undefined;
  if (usual !== undefined) return usual;
  const all = [...names];
  addListNames(all, value);
  return all;
}

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

function isBlank(code: number): boolean {
  return code === SP || code === HTAB;
}
