/** Response heads (RFC 9112 4 and 5), decoded as strictly as requests: a backend's mistake must not become a client's. */
import { withListNames } from './field-names.js';
import { type Fields, scanFields } from './fields.js';
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
  const section = scanFields(bytes, 0, line.end, limits);
  if (section.kind === 'more') return MORE;
  if (section.kind === 'bad') return BAD;
  const head = understand(line, section.fields);
  return head === undefined ? BAD : { kind: 'head', length: section.end, head };
}

interface StatusLine {
  readonly status: number;
  readonly reason: string;
  readonly minor: 0 | 1;
  /** Whether there is a space behind the status, as there should be. */
  readonly spaced: boolean;
  readonly end: number;
}

/** Offsets in `HTTP/1.x 200 `. */
const MINOR_AT = 7;
const STATUS_AT = 9;
const REASON_AT = 13;
const SHAPE = /^HTTP\/1\.[01] [1-9][0-9][0-9]$/;
/** Completes the beginning of a status line, so that its bytes are judged as they come. */
const EXAMPLE = 'HTTP/1.1 200';

function scanStatusLine(bytes: Buffer, limits: HeadLimits): StatusLine | ResponseScan {
  const stop = Math.min(bytes.length, limits.startLineBytes);
  let at = REASON_AT - 1;
  const begin = bytes.toString('latin1', 0, Math.min(at, stop));
  if (!SHAPE.test(begin + EXAMPLE.slice(begin.length))) return BAD;
  // The space behind the status is required even before an empty reason, but many senders leave it out.
  if (at < stop && bytes[at] !== SP && bytes[at] !== CR) return BAD;
  while (at < stop && FIELD_CONTENT[byteAt(bytes, at)] === 1) at += 1;
  if (at + 1 >= stop) return bytes.length > stop || (at < stop && bytes[at] !== CR) ? BAD : MORE;
  if (bytes[at] !== CR || bytes[at + 1] !== LF) return BAD;
  return {
    status: Number(bytes.toString('latin1', STATUS_AT, REASON_AT - 1)),
    reason: bytes.toString('latin1', Math.min(REASON_AT, at), at),
    minor: bytes[MINOR_AT] === 0x31 ? 1 : 0,
    spaced: bytes[REASON_AT - 1] === SP,
    end: at + 2,
  };
}

function understand(line: StatusLine, fields: Fields): ResponseHead | undefined {
  let lengths = NONE;
  let codings = NONE;
  let connectionNames = NONE;
  let upgrades = NONE;
  let keepAliveMs: number | undefined;
  for (let i = 0; i < fields.count; i += 1) {
    const kind = fields.kinds[i];
    if (kind === undefined) continue;
    const value = fields.value(i);
    if (kind === 'content-length') lengths = [...lengths, value];
    else if (kind === 'transfer-encoding') codings = [...codings, value];
    else if (kind === 'connection') connectionNames = withListNames(connectionNames, value);
    else if (kind === 'upgrade') upgrades = withListNames(upgrades, value);
    else if (kind === 'keep-alive') keepAliveMs = keepAliveTimeout(value);
  }
  const { status, reason, minor } = line;
  const declared = declaredFraming(lengths, codings, minor);
  if (typeof declared === 'string') return undefined;
  const persistent = isPersistent(minor, connectionNames) && !declaresForbiddenContent(status, declared);
  const canonicalLine = minor === 1 && line.spaced;
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

/** `timeout=5, max=100` → 5000 (the form that servers use since RFC 2068 19.7.1.1). */
function keepAliveTimeout(value: string): number | undefined {
  const seconds = /(?:^|[,\s])timeout=([0-9]{1,6})(?:$|[,\s])/i.exec(value)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}
