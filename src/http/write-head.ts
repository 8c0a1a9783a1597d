/**
 * Heads as usher sends them: written afresh from what was understood, in the order and the case in which the fields
 * came. Hop-by-hop fields go (RFC 9110 7.6.1), and what a client says about itself goes: it is written anew.
 */
import { formatHostPort, type SocketAddress } from '../address.js';
import { isReservedName, type KnownField, textAt } from './fields.js';
import type { Framing } from './framing.js';
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

  constructor({ client, proto, port, forwarded }: ForwardedClient) {
    this.fixed =
      `X-Forwarded-For: ${client.address}\r\nX-Real-IP: ${client.address}\r\n` +
      `X-Forwarded-Proto: ${proto}\r\nX-Forwarded-Port: ${port}\r\n`;
    const node = formatHostPort(client.address, client.port);
    this.element = forwarded ? `for="${node}";proto=${proto}` : undefined;
  }

  /** @param host a well-formed Host value: it holds no quote and no backslash */
  text(host: string | undefined): string {
    let text = this.fixed;
    if (host !== undefined) text += `X-Forwarded-Host: ${host}\r\n`;
    if (this.element !== undefined) {
      text += `Forwarded: ${this.element}${host === undefined ? '' : `;host="${host}"`}\r\n`;
    }
    return text;
  }
}

/** Fields of one hop in either direction (RFC 9110 7.6.1) and those that are always written afresh. */
const HOP_BY_HOP: ReadonlySet<KnownField> = new Set<KnownField>([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Names from Connection that take their field along. Those that the engine knows have rules of their own, and the
 * forwarding fields are ours: naming them has no effect.
 */
function namedFields(connectionNames: readonly string[]): ReadonlySet<string> | undefined {
  const names = connectionNames.filter(name => name !== 'close' && name !== 'keep-alive' && name !== 'upgrade');
  return names.length === 0 ? undefined : new Set(names);
}

/** @param fallbackHost Host for an HTTP/1.0 request that has none */
export function requestHeadText(head: RequestHead, forwarded: ForwardedFields, fallbackHost: string): string {
  const { fields, known } = head;
  const named = namedFields(head.connectionNames);
  let text = `${head.method} ${head.target} HTTP/1.1\r\n`;
  if (head.minor === 0 && !known.includes('host')) text += `Host: ${head.host ?? fallbackHost}\r\n`;
  for (let i = 0; i < known.length; i += 1) {
    const name = textAt(fields, 2 * i);
    if (!goesToBackend(name, known[i], head, named)) continue;
    const value = textAt(fields, 2 * i + 1);
    text += `${name}: ${known[i] === 'host' ? head.host : canonical(value, known[i], head.framing)}\r\n`;
  }
  if (head.framing.kind === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  if (head.upgrade) text += 'Connection: Upgrade\r\nUpgrade: websocket\r\n';
  return `${text}${forwarded.text(head.host)}\r\n`;
}

/** A length is sent as it was understood: a receiver may take leading zeros for octal. */
function canonical(value: string, known: KnownField | undefined, framing: Framing | undefined): string {
  return known === 'content-length' && framing?.kind === 'length' ? String(framing.length) : value;
}

function goesToBackend(
  name: string,
  known: KnownField | undefined,
  head: RequestHead,
  named: ReadonlySet<string> | undefined,
): boolean {
  if (known === undefined) return !isReservedName(name) && named?.has(name.toLowerCase()) !== true;
  if (HOP_BY_HOP.has(known) || known === 'forwarded') return false;
  if (known === 'expect') return head.expectsContinue;
  if (known === 'trailer') return head.framing.kind === 'chunked';
  return true;
}

/** How the response goes on to the client. */
export interface ResponseForm {
  /** How its body is framed towards the client; `close` and `none` need no field. */
  readonly framing: Framing;
  /** `close`, `keep-alive` (HTTP/1.0 clients) or nothing. */
  readonly connection: 'close' | 'keep-alive' | undefined;
}

/** A final response; 1xx is written by {@link interimHeadText}. */
export function responseHeadText(head: ResponseHead, form: ResponseForm): string {
  let text = statusAndFields(head, form.framing.kind === 'chunked', head.status !== 204);
  if (form.framing.kind === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  const options: string[] = form.connection === undefined ? [] : [form.connection];
  // 426 says what to upgrade to (RFC 9110 15.5.22); everywhere else Upgrade is of this hop alone.
  if (head.status === 426 && head.upgrades.length > 0) {
    text += `Upgrade: ${head.upgrades.join(', ')}\r\n`;
    options.push('Upgrade');
  }
  if (options.length > 0) text += `Connection: ${options.join(', ')}\r\n`;
  return `${text}\r\n`;
}

/** 100, 103 and other interim responses (RFC 9110 15.2). */
export function interimHeadText(head: ResponseHead): string {
  return `${statusAndFields(head, false, false)}\r\n`;
}

/** The head behind which both sides leave HTTP: 101, or the 2xx that answers CONNECT (RFC 9110 9.3.6). */
export function tunnelHeadText(head: ResponseHead): string {
  const upgrade = head.status === 101 ? 'Connection: Upgrade\r\nUpgrade: websocket\r\n' : '';
  return `${statusAndFields(head, false, false)}${upgrade}\r\n`;
}

/** @param content whether the response can have content; else a length would be false (RFC 9110 8.6) */
function statusAndFields(head: ResponseHead, chunked: boolean, content: boolean): string {
  const { fields, known, status } = head;
  const named = namedFields(head.connectionNames);
  let text = `HTTP/1.1 ${status} ${head.reason}\r\n`;
  for (let i = 0; i < known.length; i += 1) {
    const name = textAt(fields, 2 * i);
    if (!goesToClient(name, known[i], chunked, content, named)) continue;
    text += `${name}: ${canonical(textAt(fields, 2 * i + 1), known[i], head.declared)}\r\n`;
  }
  return text;
}

function goesToClient(
  name: string,
  known: KnownField | undefined,
  chunked: boolean,
  content: boolean,
  named: ReadonlySet<string> | undefined,
): boolean {
  if (known === undefined) return named?.has(name.toLowerCase()) !== true;
  if (known === 'proxy-authenticate') return true;
  if (known === 'content-length') return content;
  if (known === 'trailer') return chunked;
  return !HOP_BY_HOP.has(known);
}
