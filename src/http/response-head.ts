/** Response heads (RFC 9112 4 and 5), decoded as strictly as requests: a backend's mistake must not become a client's. */
import { withListNames, withValue } from './field-names.js';
import { detached, type Fields, scanFields } from './fields.js';
import { declaredFraming, type Framing } from './framing.js';
import { byteAt, CR, FIELD_CONTENT, LF, SP } from './grammar.js';
import { type HeadLimits, isPersistent } from './request-head.js';

export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly minor: 0 | 1;
  readonly fields: Fields;
  /** Whether the status line goes on as it came, too. */
  readonly canonicalLine: boolean;
  /** What the fields declare; `framing.ts` says what it means for this status. */
  readonly declared: Framing | undefined;
  /** Whether the backend keeps the connection (RFC 9112 9.3). */
  readonly persistent: boolean;
  /** The `timeout` of Keep-Alive, in milliseconds. */
  readonly keepAliveMs: number | undefined;
  readonly connectionNames: readonly string[];
  /** The protocols named in Upgrade, lower case. */
  readonly upgrades: readonly string[];
}

export type ResponseScan =
  | { readonly kind: 'more' }
  | { readonly kind: 'bad' }
  | { readonly kind: 'head'; readonly length: number; readonly head: ResponseHead };

const MORE = { kind: 'more' } as const;
const BAD = { kind: 'bad' } as const;

/** Decodes the response head at the beginning of `bytes`. Nothing in the result refers to `bytes`. */
export function scanResponseHead(bytes: Buffer, limits: HeadLimits): ResponseScan {
  const line = scanStatusLine(bytes, limits);
  if ('kind' in line) return line;
  const section = scanFields(bytes, 0, line.reasonEnd + 2, limits);
  if (section.kind === 'more') return MORE;
  if (section.kind === 'bad') return BAD;
  const head = understand(line, section.fields);
  return head === undefined ? BAD : { kind: 'head', length: section.end, head };
}

interface StatusLine {
  readonly status: number;
  readonly minor: 0 | 1;
  /** Where the reason ends. */
  readonly reasonEnd: number;
}

/** Offsets in `HTTP/1.x 200 `. */
const MINOR_AT = 7;
const STATUS_AT = 9;
const REASON_AT = 13;
const VERSION = Buffer.from('HTTP/1.');
const DIGIT_0 = 0x30;

/** Whether the byte at `at`, in front of the reason, is as it must be; the bytes of a status line are judged as they come. */
function isStatusLineByte(byte: number, at: number): boolean {
  if (at < MINOR_AT) return byte === VERSION[at];
  if (at === MINOR_AT) return byte === DIGIT_0 || byte === DIGIT_0 + 1;
  if (at === MINOR_AT + 1) return byte === SP;
  // The space behind the status is required even before an empty reason, but many senders leave it out.
  if (at === REASON_AT - 1) return byte === SP || byte === CR;
  return byte >= (at === STATUS_AT ? DIGIT_0 + 1 : DIGIT_0) && byte <= DIGIT_0 + 9;
}

function scanStatusLine(bytes: Buffer, limits: HeadLimits): StatusLine | ResponseScan {
  const stop = Math.min(bytes.length, limits.startLineBytes);
  let at = 0;
  while (at < REASON_AT && at < stop) {
    if (!isStatusLineByte(byteAt(bytes, at), at)) return BAD;
    at += 1;
  }
  if (bytes[REASON_AT - 1] === CR && at === REASON_AT) at -= 1;
  while (at < stop && FIELD_CONTENT[byteAt(bytes, at)] === 1) at += 1;
  if (at + 1 >= stop) return bytes.length > stop || (at < stop && bytes[at] !== CR) ? BAD : MORE;
  if (bytes[at] !== CR || bytes[at + 1] !== LF) return BAD;
  const digit = (offset: number) => byteAt(bytes, STATUS_AT + offset) - DIGIT_0;
  return {
    status: 100 * digit(0) + 10 * digit(1) + digit(2),
    minor: bytes[MINOR_AT] === DIGIT_0 ? 0 : 1,
    reasonEnd: at,
  };
}

function understand(line: StatusLine, fields: Fields): ResponseHead | undefined {
  let lengths = NONE;
  let codings = NONE;
  let connectionNames = NONE;
  let upgrades = NONE;
  let keepAlive: string | undefined;
  for (let i = 0; i < fields.count; i += 1) {
    const kind = fields.kinds[i];
    if (kind === undefined) continue;
    const value = fields.value(i);
    if (kind === 'content-length') lengths = withValue(lengths, value);
    else if (kind === 'transfer-encoding') codings = withValue(codings, value);
    else if (kind === 'connection') connectionNames = withListNames(connectionNames, value);
    else if (kind === 'upgrade') upgrades = withListNames(upgrades, value);
    else if (kind === 'keep-alive') keepAlive = keepAlive === undefined ? value : `${keepAlive}, ${value}`;
  }
  const keepAliveMs = keepAlive === undefined ? undefined : keepAliveTimeout(keepAlive);
  const { status, minor, reasonEnd } = line;
  const reason = fields.text.slice(REASON_AT, reasonEnd);
  const declared = declaredFraming(lengths, codings, minor);
  if (typeof declared === 'string') return undefined;
  const persistent = isPersistent(minor, connectionNames) && !declaresForbiddenContent(status, declared);
  const canonicalLine = minor === 1 && reasonEnd >= REASON_AT;
  return { status, reason, minor, fields, canonicalLine, declared, persistent, keepAliveMs, connectionNames, upgrades };
}

const NONE: readonly string[] = [];

/**
 * 204 and 304 have no content, and a sender that declares some all the same (RFC 9112 6.1 and 6.3; the length of a 304
 * is that of another response) may send it: it must not meet the next exchange of the connection.
 */
function declaresForbiddenContent(status: number, declared: Framing | undefined): boolean {
  if (declared?.kind === 'chunked') return status === 204 || status === 304;
  return status === 204 && declared?.kind === 'length' && declared.length > 0;
}

/** What a backend said last: it says the same with every response. */
let lastKeepAlive = '';
let lastTimeout: number | undefined;

/** Blanks and quotes are no part of the form, but some servers write them. */
const TIMEOUTS = /(?:^|[,;\s])timeout\s*=\s*"?([0-9]{1,6})(?=$|[",;\s])/gi;

/** `timeout=5, max=100` → 5000 (the form that servers use since RFC 2068 19.7.1.1); of several the shortest. */
function keepAliveTimeout(value: string): number | undefined {
  if (value !== lastKeepAlive) {
    const seconds = Array.from(value.matchAll(TIMEOUTS), ([, digits]) => Number(digits));
    lastTimeout = seconds.length === 0 ? undefined : Math.min(...seconds) * 1000;
    lastKeepAlive = detached(value);
  }
  return lastTimeout;
}
