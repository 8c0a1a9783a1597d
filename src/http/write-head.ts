/**
 * Heads as usher sends them: written afresh from what was understood, in the order and the case in which the fields
 * came. Hop-by-hop fields go (RFC 9110 7.6.1), and what a client says about itself goes: it is written anew.
 */
import { formatHostPort, type SocketAddress } from '../address.js';
import { dateText } from './date.js';
import type { FieldKind } from './field-names.js';
import { detached, type Fields } from './fields.js';
import type { Framing } from './framing.js';
import { type HeadSink, HeadWriter } from './head-writer.js';
import type { RequestHead } from './request-head.js';
import type { ResponseHead } from './response-head.js';

/** Who the client is, as the backend is told; the same on every request of a connection. */
export interface ForwardedClient {
  readonly client: SocketAddress;
  readonly proto: 'http' | 'https';
  /** The port that the client dialled. */
  readonly port: number;
  /** Whether RFC 7239 `Forwarded` is sent beside the `X-Forwarded-*` fields. */
  readonly forwarded: boolean;
}

/** The forwarding fields of a connection; only the host differs from request to request. */
export class ForwardedFields {
  private readonly fixed: string;
  private readonly element: string | undefined;
  /** The host of a request before, and the text for it: clients ask the same host again. */
  private lastHost: string | undefined;
  private lastText = '';
  /** A request has come: to keep a text is of use from the second on only. */
  private asked = false;

  constructor({ client, proto, port, forwarded }: ForwardedClient) {
    this.fixed =
      `X-Forwarded-For: ${client.address}\r\nX-Real-IP: ${client.address}\r\n` +
      `X-Forwarded-Proto: ${proto}\r\nX-Forwarded-Port: ${port}\r\n`;
    const node = formatHostPort(client.address, client.port);
    this.element = forwarded ? `for="${node}";proto=${proto}` : undefined;
  }

  /**
   * The fields, and the empty line behind them.
   * @param host a well-formed Host value: it holds no quote and no backslash
   */
  text(host: string | undefined): string {
    if (this.lastText !== '' && host === this.lastHost) return this.lastText;
    const text = `${this.textFor(host)}\r\n`;
    if (this.asked) this.keep(host, text);
    this.asked = true;
    return text;
  }

  private keep(host: string | undefined, text: string): void {
    this.lastHost = host === undefined ? undefined : detached(host);
    // In one piece: a text that V8 keeps in several is written at a fifth of the speed.
    this.lastText = detached(text);
  }

  private textFor(host: string | undefined): string {
    let text = this.fixed;
    if (host !== undefined) text += `X-Forwarded-Host: ${host}\r\n`;
    if (this.element !== undefined) {
      text += `Forwarded: ${this.element}${host === undefined ? '' : `;host="${host}"`}\r\n`;
    }
    return text;
  }
}

/** Fields of one hop in either direction (RFC 9110 7.6.1) and those that are always written afresh. */
function isOfOneHop(kind: FieldKind): boolean {
  switch (kind) {
    case 'connection':
    case 'http2-settings':
    case 'keep-alive':
    case 'proxy-authenticate':
    case 'proxy-authorization':
    case 'proxy-connection':
    case 'te':
    case 'transfer-encoding':
    case 'upgrade':
      return true;
    default:
      return false;
  }
}

/**
 * Names from Connection that take their field along. Those that the engine knows have rules of their own, and the
 * forwarding fields are ours: naming them has no effect.
 */
function namedFields(connectionNames: readonly string[]): ReadonlySet<string> | undefined {
  if (connectionNames.length === 0) return undefined;
  const others = connectionNames.some(name => name !== 'close' && name !== 'keep-alive' && name !== 'upgrade');
  return others ? new Set(connectionNames) : undefined;
}

/**
 * @param fallbackHost Host for an HTTP/1.0 request that has none
 * @returns how many bytes were written
 */
export function writeRequestHead(
  sink: HeadSink,
  head: RequestHead,
  forwarded: ForwardedFields,
  fallbackHost: string,
): number {
  const { fields } = head;
  const named = namedFields(head.connectionNames);
  const line = head.canonicalLine ? undefined : `${head.method} ${head.target} HTTP/1.1\r\n`;
  const writer = new HeadWriter(sink, fields, fields.text, line);
  if (head.minor === 0 && !fields.kinds.includes('host')) writer.add(`Host: ${head.host ?? fallbackHost}\r\n`);
  for (let i = 0; i < fields.count; i += 1) {
    const kind = fields.kinds[i];
    if (kind === undefined && named === undefined) writer.keep(i);
    else if (kind === 'host' && !head.canonicalLine) writer.keepAs(i, String(head.host));
    else if (kind === 'max-forwards' && head.maxForwards !== undefined) writer.keepAs(i, String(head.maxForwards - 1));
    else if (goesToBackend(kind, fields, i, head, named)) keepUnderstood(writer, fields, i, kind, head.framing);
  }
  if (head.framing.kind === 'chunked') writer.add('Transfer-Encoding: chunked\r\n');
  if (head.upgrade) writer.add('Connection: Upgrade\r\nUpgrade: websocket\r\n');
  return writer.end(forwarded.text(head.host));
}

const DIGIT_0 = 0x30;

/** A length is sent as it was understood: a receiver may take leading zeros for octal. */
function keepUnderstood(
  writer: HeadWriter,
  fields: Fields,
  index: number,
  kind: FieldKind,
  framing: Framing | undefined,
): void {
  const mayDiffer = kind === 'content-length' && fields.valueBegin(index) === DIGIT_0;
  if (mayDiffer && framing?.kind === 'length') writer.keepAs(index, String(framing.length));
  else writer.keep(index);
}

function goesToBackend(
  kind: FieldKind,
  fields: Fields,
  index: number,
  head: RequestHead,
  named: ReadonlySet<string> | undefined,
): boolean {
  if (kind === undefined) return !isNamed(named, fields, index);
  if (kind === 'reserved' || kind === 'forwarded') return false;
  if (kind === 'expect') return head.expectsContinue;
  if (kind === 'trailer') return head.framing.kind === 'chunked';
  return !isOfOneHop(kind);
}

function isNamed(named: ReadonlySet<string> | undefined, fields: Fields, index: number): boolean {
  return named?.has(fields.name(index).toLowerCase()) === true;
}

/** How the response goes on to the client. */
export interface ResponseForm {
  /** How its body is framed towards the client; `close` and `none` need no field. */
  readonly framing: Framing;
  /** `close`, `keep-alive` (HTTP/1.0 clients) or nothing. */
  readonly connection: 'close' | 'keep-alive' | undefined;
  /** A Set-Cookie line of usher's own, or nothing. */
  readonly cookie: string;
}

/**
 * A final response; 1xx is written by {@link writeInterimHead}.
 * @param bytes where the head stands from its first byte on
 * @returns how many bytes were written
 */
export function writeResponseHead(sink: HeadSink, head: ResponseHead, bytes: Buffer, form: ResponseForm): number {
  const chunked = form.framing.kind === 'chunked';
  let last = chunked ? `${form.cookie}Transfer-Encoding: chunked\r\n` : form.cookie;
  // 426 says what to upgrade to (RFC 9110 15.5.22); everywhere else Upgrade is of this hop alone.
  if (head.status === 426 && head.upgrades.length > 0) {
    const options = form.connection === undefined ? 'Upgrade' : `${form.connection}, Upgrade`;
    last += `Upgrade: ${head.upgrades.join(', ')}\r\nConnection: ${options}\r\n`;
  } else if (form.connection !== undefined) last += `Connection: ${form.connection}\r\n`;
  return writeHead(sink, head, bytes, chunked, head.status !== 204, last);
}

/** 100, 103 and other interim responses (RFC 9110 15.2); see {@link writeResponseHead}. */
export function writeInterimHead(sink: HeadSink, head: ResponseHead, bytes: Buffer): number {
  return writeHead(sink, head, bytes, false, false, '');
}

/**
 * The head behind which both sides leave HTTP: 101, or the 2xx that answers CONNECT (RFC 9110 9.3.6); see
 * {@link writeResponseHead}.
 */
export function writeTunnelHead(sink: HeadSink, head: ResponseHead, bytes: Buffer, cookie: string): number {
  const upgrade = head.status === 101 ? 'Connection: Upgrade\r\nUpgrade: websocket\r\n' : '';
  return writeHead(sink, head, bytes, false, false, cookie + upgrade);
}

/** @param content whether the response can have content; else a length would be false (RFC 9110 8.6) */
function writeHead(
  sink: HeadSink,
  head: ResponseHead,
  bytes: Buffer,
  chunked: boolean,
  content: boolean,
  last: string,
): number {
  const { fields, status } = head;
  const named = namedFields(head.connectionNames);
  const line = head.canonicalLine ? undefined : `HTTP/1.1 ${status} ${head.reason}\r\n`;
  const writer = new HeadWriter(sink, fields, bytes, line);
  // 1xx need no date, and whoever passes on another response without one dates it (RFC 9110 6.6.1).
  let dated = status < 200;
  for (let i = 0; i < fields.count; i += 1) {
    const kind = fields.kinds[i];
    if (kind === undefined && named === undefined) writer.keep(i);
    else if (goesToClient(kind, fields, i, chunked, content, named)) {
      keepUnderstood(writer, fields, i, kind, head.declared);
      if (kind === 'date') dated = true;
    }
  }
  if (!dated) writer.add(`Date: ${dateText()}\r\n`);
  if (last !== '') writer.add(last);
  return writer.end('\r\n');
}

function goesToClient(
  kind: FieldKind,
  fields: Fields,
  index: number,
  chunked: boolean,
  content: boolean,
  named: ReadonlySet<string> | undefined,
): boolean {
  if (kind === undefined || kind === 'reserved') return !isNamed(named, fields, index);
  if (kind === 'proxy-authenticate') return true;
  if (kind === 'content-length') return content;
  if (kind === 'trailer') return chunked;
  return !isOfOneHop(kind);
}

/**
 * The lines of a trailer section. Connection takes along what it names from there, too (RFC 9110 7.6.1).
 * @param trailers names and values in turn
 */
export function trailerText(trailers: readonly string[], connectionNames: readonly string[]): string {
  if (trailers.length === 0) return '';
  const named = namedFields(connectionNames);
  let text = '';
  for (let i = 0; i < trailers.length; i += 2) {
    const name = `${trailers[i]}`;
    if (named?.has(name.toLowerCase()) !== true) text += `${name}: ${trailers[i + 1]}\r\n`;
  }
  return text;
}
