/** The byte classes of RFC 9110 and RFC 9112 as tables, so that a scan costs one look-up per byte. */

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const COLON = 0x3a;

/** The byte at an offset that is known to be inside; 0 (in no table) outside. */
export function byteAt(bytes: Buffer, at: number): number {
  return bytes[at] ?? 0;
}

function tableOf(member: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (member(byte) ? 1 : 0));
}

const TOKEN_MARKS = "!#$%&'*+-.^_`|~";

function isAlphanumeric(byte: number): boolean {
  return /[0-9A-Za-z]/.test(String.fromCharCode(byte));
}

/** tchar (RFC 9110 5.6.2): methods and field names. */
export const TOKEN = tableOf(byte => isAlphanumeric(byte) || TOKEN_MARKS.includes(String.fromCharCode(byte)));

/** Field content (RFC 9110 5.5): HTAB, SP, VCHAR and obs-text; no other control byte, no CR, no LF. */
export const FIELD_CONTENT = tableOf(byte => byte === HTAB || (byte >= SP && byte !== 0x7f));

/**
 * Request target: printable ASCII without the marks that no form of RFC 9112 3.2 allows and that a peer may
 * understand in its own way (`"`, `<`, `>`, `\`, `^`, backtick, `{`, `|`, `}`) save those that browsers send
 * unescaped in queries (`"`, `^`, backtick, `{`, `|`, `}`). No `#`: a fragment is never sent.
 */
export const TARGET = tableOf(byte => byte > SP && byte < 0x7f && !'#<>\\'.includes(String.fromCharCode(byte)));

const NAME_CHARS = "[A-Za-z0-9\\-._~!$&'()*+,;=]*";
const NAME = `(?=[^:])${NAME_CHARS}(?:%[0-9A-Fa-f]{2}${NAME_CHARS})*`;
const ADDRESS = '\\[[0-9A-Fa-f:.]+\\]';
/** Up to 65535, or empty (RFC 3986 3.2.3). */
const PORT = '(?:[0-5]?[0-9]{0,4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])';

/** reg-name, IPv4 address or bracketed IPv6 address, with a port or without (RFC 9110 7.2). Not empty. */
const HOST = new RegExp(`^(?:${NAME}|${ADDRESS})(?::${PORT})?$`);

/** What nearly every host is made of: letters, digits, `-` and `.`. */
const PLAIN_HOST = tableOf(byte => isAlphanumeric(byte) || byte === 0x2d || byte === 0x2e);
const MAX_PORT_DIGITS = 5;
const MAX_PORT = 65_535;

export function isHost(text: string): boolean {
  return isPlainHost(text) || HOST.test(text);
}

/** Tells most hosts without the pattern, which costs 0.2 µs: a plain name or IPv4 address, and a port. */
function isPlainHost(text: string): boolean {
  let at = 0;
  while (at < text.length && PLAIN_HOST[text.charCodeAt(at)] === 1) at += 1;
  if (at === 0 || at === text.length) return at > 0;
  return text.charCodeAt(at) === COLON && isPort(text, at + 1);
}

const DIGIT_0 = 0x30;

/** Whether a port stands from `from` to the end; it may be empty (RFC 3986 3.2.3). */
function isPort(text: string, from: number): boolean {
  if (text.length - from > MAX_PORT_DIGITS) return false;
  let port = 0;
  for (let at = from; at < text.length; at += 1) {
    const digit = text.charCodeAt(at) - DIGIT_0;
    if (digit < 0 || digit > 9) return false;
    port = 10 * port + digit;
  }
  return port <= MAX_PORT;
}

/** Digits that a number holds exactly. */
const MAX_LENGTH_DIGITS = 15;

/** A Content-Length (RFC 9110 8.6) that a number holds exactly; undefined when it isn't one. */
export function parseLength(text: string): number | undefined {
  if (text.length === 0 || text.length > MAX_LENGTH_DIGITS) return undefined;
  let length = 0;
  for (let at = 0; at < text.length; at += 1) {
    const digit = text.charCodeAt(at) - DIGIT_0;
    if (digit < 0 || digit > 9) return undefined;
    length = 10 * length + digit;
  }
  return length;
}
