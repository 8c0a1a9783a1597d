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

/** Lengths from here on are one. */
const LONGEST = 31;

/** One byte for each first letter (in any case) and length that a known or reserved name has: most names have neither. */
const SUSPECTS = new Uint8Array(32 * (LONGEST + 1));
for (const name of KNOWN) SUSPECTS[suspectAt(name.charCodeAt(0), name.length)] = 1;
for (let length = 'x-real-ip'.length; length <= LONGEST; length += 1) SUSPECTS[suspectAt(0x78, length)] = 1;

function suspectAt(first: number, length: number): number {
  return ((first & 0x1f) << 5) | Math.min(length, LONGEST);
}

/** The kind of the field whose name stands from `from` to `to`. */
export function kindOf(bytes: Buffer, from: number, to: number): FieldKind {
  if (SUSPECTS[suspectAt(byteAt(bytes, from), to - from)] === 0) return undefined;
  const name = bytes.toString('latin1', from, to);
  return knownField(name) ?? (isReservedName(name) ? 'reserved' : undefined);
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
