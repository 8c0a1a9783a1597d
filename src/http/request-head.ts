/** Request heads (RFC 9112 3 and 5), decoded strictly: bytes in; out comes *more*, a head and its length, or *bad*. */
import type { Code } from '../codes.js';
import { type FieldKind, withListNames, withValue } from './field-names.js';
import { type Fields, scanFields } from './fields.js';
import { declaredFraming, type Framing, NO_BODY } from './framing.js';
import { byteAt, CR, isHost, LF, parseLength, SP, TARGET, TOKEN } from './grammar.js';

export interface HeadLimits {
  readonly startLineBytes: number;
  readonly headBytes: number;
  readonly headFields: number;
}

export interface RequestHead {
  readonly method: string;
  /** Origin form or `*`; an absolute form was split into this and `host`. */
  readonly target: string;
  /** HTTP/1.x. */
  readonly minor: 0 | 1;
  /** As they came. */
  readonly fields: Fields;
  /** Whether the request line goes on as it came, too. */
  readonly canonicalLine: boolean;
  /** Authority the client asks for; undefined only in HTTP/1.0. */
  readonly host: string | undefined;
  readonly framing: Framing;
  /** Whether the client wants to keep the connection (RFC 9112 9.3). */
  readonly persistent: boolean;
  /** Lower-case names listed in Connection. */
  readonly connectionNames: readonly string[];
  /** A well-formed request for a WebSocket (RFC 6455 4.1). */
  readonly upgrade: boolean;
  readonly expectsContinue: boolean;
  /** How much further OPTIONS or TRACE may go, this hop counted; undefined: as far as it likes (RFC 9110 7.6.2). */
  readonly maxForwards: number | undefined;
}

export type RequestScan =
  | { readonly kind: 'more' }
  | { readonly kind: 'bad'; readonly code: Code }
  | { readonly kind: 'head'; readonly length: number; readonly head: RequestHead };

const MORE = { kind: 'more' } as const;

function bad(code: Code): RequestScan {
  return { kind: 'bad', code };
}

/** Methods that are not forwarded unless a listener says so: one opens tunnels, the other shows secrets to scripts. */
export const REFUSED_METHODS: ReadonlySet<string> = new Set(['CONNECT', 'TRACE']);

/**
 * Decodes the request head at the beginning of `bytes`. Nothing in the result refers to `bytes`.
 * @param refused methods that are answered with `method-refused`
 */
export function scanRequestHead(
  bytes: Buffer,
  limits: HeadLimits,
  refused: ReadonlySet<string> = REFUSED_METHODS,
): RequestScan {
  const start = skipEmptyLine(bytes);
  const line = scanRequestLine(bytes, start, limits);
  if ('kind' in line) return line;
  const section = scanFields(bytes, start, start + line.targetEnd + VERSION_BYTES, limits);
  if (section.kind !== 'fields') return section;
  const method = methodOf(section.fields.text.slice(0, line.methodEnd));
  if (refused.has(method)) return bad('method-refused');
  const head = understand(line, method, section.fields);
  return typeof head === 'string' ? bad(head) : { kind: 'head', length: section.end, head };
}

/** The method of nearly all requests is one constant, which is looked up faster than a piece of a text. */
function methodOf(text: string): string {
  return text === 'GET' ? 'GET' : text;
}

/** One empty line in front of a request is ignored (RFC 9112 2.2): old clients send it behind a body. */
function skipEmptyLine(bytes: Buffer): number {
  return bytes[0] === CR && (bytes.length === 1 || bytes[1] === LF) ? Math.min(2, bytes.length) : 0;
}

/** Offsets count from the first byte of the line. */
interface RequestLine {
  readonly methodEnd: number;
  readonly targetEnd: number;
  readonly minor: 0 | 1;
}

/** Behind the target: ` HTTP/1.1` and CR LF. */
const VERSION_BYTES = 11;

function scanRequestLine(bytes: Buffer, start: number, limits: HeadLimits): RequestLine | RequestScan {
  const stop = Math.min(bytes.length, start + limits.startLineBytes);
  const overrun = () => (bytes.length > stop ? bad('start-line-too-long') : MORE);
  let at = start;
  while (at < stop && TOKEN[byteAt(bytes, at)] === 1) at += 1;
  if (at === stop) return overrun();
  if (at === start || bytes[at] !== SP) return bad('method-invalid');
  const target = at + 1;
  at = target;
  while (at < stop && TARGET[byteAt(bytes, at)] === 1) at += 1;
  if (at === stop) return overrun();
  if (at === target || bytes[at] !== SP) return bad('target-invalid');
  const version = at + 1;
  const minor = scanVersion(bytes, version, stop);
  if (minor === 'more') return overrun();
  if (typeof minor === 'string') return bad(minor);
  return { methodEnd: target - 1 - start, targetEnd: at - start, minor };
}

const VERSION = Buffer.from('HTTP/1.');

/** `HTTP/1.0` or `HTTP/1.1` and CR LF (RFC 9112 2.3), judged byte by byte. */
function scanVersion(bytes: Buffer, from: number, stop: number): 0 | 1 | 'more' | Code {
  for (let i = 0; i < VERSION.length; i += 1) {
    if (from + i >= stop) return 'more';
    if (bytes[from + i] !== VERSION[i]) return i === 5 ? 'version-unsupported' : 'request-line-invalid';
  }
  if (from + 7 >= stop) return 'more';
  const minor = byteAt(bytes, from + 7) - 0x30;
  if (minor !== 0 && minor !== 1) return 'version-unsupported';
  if (from + 8 >= stop) return 'more';
  if (bytes[from + 8] !== CR) return bytes[from + 8] === LF ? 'line-ending-invalid' : 'request-line-invalid';
  if (from + 9 >= stop) return 'more';
  return bytes[from + 9] === LF ? minor : 'line-ending-invalid';
}

/** Values of the fields that the engine acts on, gathered in one pass. */
interface Gathered {
  hosts: readonly string[];
  lengths: readonly string[];
  codings: readonly string[];
  connectionNames: readonly string[];
  upgrades: readonly string[];
  expectations: readonly string[];
  websocketKeys: readonly string[];
  websocketVersions: readonly string[];
  maxForwards: readonly string[];
}

/** Most requests have few of those fields. */
const NONE: readonly string[] = [];

function gather(fields: Fields): Gathered {
  const found: Gathered = {
    hosts: NONE,
    lengths: NONE,
    codings: NONE,
    connectionNames: NONE,
    upgrades: NONE,
    expectations: NONE,
    websocketKeys: NONE,
    websocketVersions: NONE,
    maxForwards: NONE,
  };
  for (let i = 0; i < fields.count; i += 1) {
    const kind = fields.kinds[i];
    if (kind !== undefined) note(found, kind, fields.value(i));
  }
  return found;
}

function note(found: Gathered, kind: FieldKind, value: string): void {
  switch (kind) {
    case 'host':
      found.hosts = withValue(found.hosts, value);
      break;
    case 'content-length':
      found.lengths = withValue(found.lengths, value);
      break;
    case 'transfer-encoding':
      found.codings = withValue(found.codings, value);
      break;
    case 'connection':
      found.connectionNames = withListNames(found.connectionNames, value);
      break;
    case 'upgrade':
      found.upgrades = withListNames(found.upgrades, value);
      break;
    case 'expect':
      found.expectations = withValue(found.expectations, value.toLowerCase());
      break;
    case 'sec-websocket-key':
      found.websocketKeys = withValue(found.websocketKeys, value);
      break;
    case 'sec-websocket-version':
      found.websocketVersions = withValue(found.websocketVersions, value);
      break;
    case 'max-forwards':
      found.maxForwards = withValue(found.maxForwards, value);
      break;
    default:
  }
}

function understand(line: RequestLine, method: string, fields: Fields): RequestHead | Code {
  const { minor } = line;
  const asked = fields.text.slice(line.methodEnd + 1, line.targetEnd);
  const found = gather(fields);
  const hostFault = faultOfHosts(found.hosts, minor);
  if (hostFault !== undefined) return hostFault;
  const target = splitTarget(asked, method, found.hosts[0]);
  if (typeof target === 'string') return target;
  const declared = declaredFraming(found.lengths, found.codings, minor);
  if (typeof declared === 'string') return declared;
  const framing = declared ?? NO_BODY;
  // Neither has content (RFC 9110 9.3.6 and 9.3.8), and receivers differ in what they make of some.
  if ((method === 'CONNECT' || method === 'TRACE') && framing.kind !== 'none') return 'framing-ambiguous';
  const upgrade = asksForWebSocket(found, method, minor, framing);
  if (typeof upgrade === 'string') return upgrade;
  const expectsContinue = minor === 1 && found.expectations.length > 0;
  if (expectsContinue && found.expectations.some(value => value !== '100-continue')) return 'expectation-unknown';
  const maxForwards = method === 'OPTIONS' || method === 'TRACE' ? leastOf(found.maxForwards) : undefined;
  if (maxForwards === 0) return 'max-forwards-reached';
  return {
    method,
    target: target.target,
    minor,
    fields,
    canonicalLine: minor === 1 && target.target === asked,
    host: target.host,
    framing,
    persistent: isPersistent(minor, found.connectionNames),
    connectionNames: found.connectionNames,
    upgrade,
    expectsContinue,
    maxForwards,
  };
}

/** The least of several numbers; what is none counts for nothing, and is passed on as it came. */
function leastOf(values: readonly string[]): number | undefined {
  const numbers = values.flatMap(value => parseLength(value) ?? []);
  return numbers.length === 0 ? undefined : Math.min(...numbers);
}

/** Exactly one well-formed Host, save that HTTP/1.0 may have none (RFC 9112 3.2). */
function faultOfHosts(hosts: readonly string[], minor: 0 | 1): Code | undefined {
  if (hosts.length > 1) return 'host-repeated';
  const [host] = hosts;
  if (host === undefined) return minor === 1 ? 'host-missing' : undefined;
  return isHost(host) ? undefined : 'host-invalid';
}

interface SplitTarget {
  readonly target: string;
  readonly host: string | undefined;
}

const ABSOLUTE = /^https?:\/\/([^/?]*)([/?].*)?$/i;

/**
 * Origin form and `*` stay; an absolute form gives its authority the place of Host (RFC 9112 3.2.2). The authority form
 * is CONNECT's, and CONNECT has no other (3.2.3).
 */
function splitTarget(target: string, method: string, host: string | undefined): SplitTarget | Code {
  if (method === 'CONNECT') {
    if (!isHost(target) || !/:[0-9]+$/.test(target)) return 'target-invalid';
    return host?.toLowerCase() === target.toLowerCase() ? { target, host } : 'host-invalid';
  }
  if (target.startsWith('/')) return { target, host };
  if (target === '*') return method === 'OPTIONS' ? { target, host } : 'target-invalid';
  const [whole, authority = '', path] = ABSOLUTE.exec(target) ?? [];
  if (whole === undefined || !isHost(authority)) return 'target-invalid';
  // The absolute form of `*` (RFC 9112 3.2.4).
  if (path === undefined) return { target: method === 'OPTIONS' ? '*' : '/', host: authority };
  return { target: path.startsWith('/') ? path : `/${path}`, host: authority };
}

/** Connections stay open in HTTP/1.1 unless closed, in HTTP/1.0 only when asked (RFC 9112 9.3). */
export function isPersistent(minor: 0 | 1, connectionNames: readonly string[]): boolean {
  if (connectionNames.includes('close')) return false;
  return minor === 1 || connectionNames.includes('keep-alive');
}

const WEBSOCKET_KEY = /^[A-Za-z0-9+/]{22}==$/;

/**
 * Whether the request asks for a WebSocket; other upgrades (`h2c`) are not forwarded and count as none. A request for
 * a WebSocket that breaks RFC 6455 4.1 is a fault, because a backend might still take it for one.
 */
function asksForWebSocket(found: Gathered, method: string, minor: 0 | 1, framing: Framing): boolean | Code {
  if (!found.upgrades.includes('websocket') || !found.connectionNames.includes('upgrade')) return false;
  const body = framing.kind !== 'none' && !(framing.kind === 'length' && framing.length === 0);
  if (method !== 'GET' || minor !== 1 || body) return 'upgrade-invalid';
  const { websocketKeys: keys, websocketVersions: versions } = found;
  if (keys.length !== 1 || !keys.every(key => WEBSOCKET_KEY.test(key))) return 'upgrade-invalid';
  if (versions.length !== 1) return 'upgrade-invalid';
  return versions[0] === '13' ? true : 'upgrade-version';
}
