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

export function isHost(text: string): boolean {
  return HOST.test(text);
}

const DIGITS = /^[0-9]{1,15}$/;

/** A Content-Length (RFC 9110 8.6) that a number holds exactly; undefined when it isn't one. */
export function parseLength(text: string): number | undefined {
  return DIGITS.test(text) ? Number(text) : undefined;
}
