/**
 * What an affinity makes of a request: which key it shares with the requests that belong to it, and which earlier one it
 * continues. Pure; the backend finds the endpoint. Nothing here is a right: whoever forges a key, a cookie or a session
 * reaches an endpoint on which the balance might have placed him as well.
 */
import { createHash } from 'node:crypto';
import { parseCidr } from '../address.js';
import type { Ask } from '../lease.js';
import type { AffinitySettings } from '../settings.js';
import { isSid } from './engine-io.js';
import { detached, type Fields } from './fields.js';
import { TOKEN } from './grammar.js';
import type { RequestHead } from './request-head.js';

type AskingHead = Pick<RequestHead, 'target' | 'fields'>;

/** Characters of a key that go into it as they came; longer ones are hashed. */
const MAX_KEY_LENGTH = 256;

/**
 * @param affinity of the backend that the request goes to
 * @param client canonical address
 */
export function askFor(affinity: AffinitySettings | undefined, head: AskingHead, client: string): Ask {
  if (affinity === undefined) return { client, key: undefined, session: undefined };
  return {
    client,
    key: keyOf(affinity, head) ?? clientKey(client),
    session: sessionOf(affinity, head),
  };
}

/**
 * Whether the response to this request may open an Engine.IO session, whose `sid` is worth learning: a GET without `sid`
 * on the path of Socket.IO. A WebSocket that opens a session needs none: the session lives on that connection, ends with
 * it and can't go back to polling, so no other request ever names it.
 */
export function opensSession(
  affinity: AffinitySettings | undefined,
  head: Pick<RequestHead, 'method' | 'target' | 'upgrade'>,
): boolean {
  if (affinity?.kind !== 'socket.io' || head.method !== 'GET' || head.upgrade) return false;
  return isSocketIo(affinity.path, head.target) && queryValue(head.target, 'sid') === undefined;
}

/**
 * The first four groups of canonical text, the last of them not 0: behind them only zeros remain of a /64, which its
 * canonical text leaves out. Most addresses are like that, and need not be parsed for every request.
 */
const FOUR_GROUPS = /^(?:[0-9a-f]+:){3}[1-9a-f][0-9a-f]*:/;

/**
 * The key of a client: an IPv4 address as it is, an IPv6 address as the /64 that it is in, since hosts change the rest
 * as they like (RFC 8981). Keys of other origins begin with a word and a colon, which no address does.
 */
export function clientKey(client: string): string {
  if (!client.includes(':')) return client;
  const groups = FOUR_GROUPS.exec(client)?.[0];
  return groups === undefined ? (parseCidr(`${client}/64`)?.text ?? client) : `${groups}:/64`;
}

function keyOf(affinity: AffinitySettings, { target, fields }: AskingHead): string | undefined {
  switch (affinity.kind) {
    case 'header':
      return prefixed('header', fieldValue(fields, affinity.name));
    case 'query':
      return prefixed('query', queryValue(target, affinity.name));
    case 'path':
      return prefixed('path', pathValue(target, affinity.pattern));
    default:
      return undefined;
  }
}

function prefixed(origin: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (value.length <= MAX_KEY_LENGTH) return `${origin}:${value}`;
  return `${origin}:${createHash('sha256').update(value).digest('base64url')}`;
}

function sessionOf(affinity: AffinitySettings, { target, fields }: AskingHead): string | undefined {
  if (affinity.kind === 'cookie') return cookieValues(fields, affinity.name);
  if (affinity.kind !== 'socket.io' || !isSocketIo(affinity.path, target)) return undefined;
  const sid = queryValue(target, 'sid');
  // The table of sessions keeps the text that asked last.
  return sid !== undefined && isSid(sid) ? detached(sid) : undefined;
}

/** `/socket.io/` covers itself, what is below it, and `/socket.io` (Engine.IO's option `addTrailingSlash: false`). */
function isSocketIo(path: string, target: string): boolean {
  const asked = pathOf(target);
  const bare = path.endsWith('/') ? path.slice(0, -1) : path;
  return asked === bare || asked.startsWith(`${bare}/`);
}

function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

/**
 * The value of the first field of that name that says something. Reserved names mean nothing here: what the client put
 * there never reaches the backend.
 * @param name lower case
 */
function fieldValue(fields: Fields, name: string): string | undefined {
  for (let i = 0; i < fields.count; i += 1) {
    if (fields.kinds[i] === 'reserved' || fields.name(i).toLowerCase() !== name) continue;
    const value = fields.value(i);
    if (value !== '') return value;
  }
  return undefined;
}

/** What usher puts into cookies, and more: anything else in one of that name is not usher's. */
const COOKIE_VALUE = /^[A-Za-z0-9_-]{1,64}$/;

/** A browser may hold one that was set by http, one that was set by https (`Partitioned`), and those of parent domains. */
const MOST_COOKIES = 4;

/**
 * The first well-formed values of the cookies of that name (RFC 6265 4.2.1; names differ by case) with a space between
 * two: a stale one in front says nothing about those behind it.
 */
function cookieValues(fields: Fields, name: string): string | undefined {
  const values: string[] = [];
  for (let i = 0; i < fields.count; i += 1) {
    if (fields.name(i).toLowerCase() !== 'cookie') continue;
    for (const pair of fields.value(i).split(';')) {
      const value = valueIn(pair, name);
      if (value !== undefined && values.push(value) === MOST_COOKIES) return values.join(' ');
    }
  }
  return values.length === 0 ? undefined : values.join(' ');
}

/** The well-formed value of a pair of that name. Other pairs, and what is no pair, have none. */
function valueIn(pair: string, name: string): string | undefined {
  const equals = pair.indexOf('=');
  if (equals < 0 || pair.slice(0, equals).trim() !== name) return undefined;
  const value = pair.slice(equals + 1).trim();
  return COOKIE_VALUE.test(value) ? value : undefined;
}

/** The first value of that query parameter that says something; spellings of one value are one (`%20`, `+`). */
function queryValue(target: string, name: string): string | undefined {
  let at = target.indexOf('?');
  while (at >= 0) {
    const next = target.indexOf('&', at + 1);
    const pair = target.slice(at + 1, next < 0 ? undefined : next);
    const equals = pair.indexOf('=');
    if (equals > 0 && equals + 1 < pair.length && decoded(pair.slice(0, equals)) === name) {
      return decoded(pair.slice(equals + 1));
    }
    at = next;
  }
  return undefined;
}

/** A name or a value of `application/x-www-form-urlencoded` (WHATWG URL 5.1). */
function decoded(text: string): string {
  return percentDecoded(text.replaceAll('+', ' '));
}

/** RFC 3986 2.1. Text with an escape that is none, or that is no UTF-8, stays as it came. */
function percentDecoded(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The segments that stand where the pattern has a name, when the path begins as the pattern says: `/room/:id` is fine
 * with `/room/7/messages`. Segments are compared decoded, as backends do (RFC 3986 6.2.2.2).
 */
function pathValue(target: string, pattern: string): string | undefined {
  const wanted = pattern.split('/');
  const segments = pathOf(target).split('/', wanted.length);
  const found: string[] = [];
  for (const [index, want] of wanted.entries()) {
    const segment = percentDecoded(segments[index] ?? '');
    if (want.startsWith(':') && segment !== '') found.push(segment);
    else if (segment !== want) return undefined;
  }
  return found.join('/');
}

/** With room for `usher-` in front of every name of a backend. */
const MAX_NAME_LENGTH = 128;

/** Why a cookie must not have that name, as the rest of a sentence; undefined: it may. */
export function cookieNameFault(name: string): string | undefined {
  if (name === '' || Array.from(Buffer.from(name)).some(byte => TOKEN[byte] !== 1)) {
    return "is not a cookie name: use letters, digits and the marks !#$%&'*+-.^_`|~ (RFC 6265 4.1.1)";
  }
  if (name.length > MAX_NAME_LENGTH) return `is longer than ${MAX_NAME_LENGTH} characters`;
  if (/^__(?:secure|host|http|host-http)-/i.test(name)) {
    return 'begins with a prefix that browsers keep for cookies that are always Secure (RFC 6265bis 4.1.3)';
  }
  return undefined;
}

/** Without `*`, by which other tools mean any segment, and without escapes, because segments are compared decoded. */
const LITERAL = /^[A-Za-z0-9\-._~!$&'()+,;=@]+$/;
const NAMED = /^:[A-Za-z_][A-Za-z0-9_]*$/;

/** Why a path pattern can't be used, as the rest of a sentence; undefined: it can. */
export function pathPatternFault(pattern: string): string | undefined {
  if (!pattern.startsWith('/')) return 'does not begin with /';
  const segments = pattern.slice(1).split('/');
  const wrong = segments.find(segment => !LITERAL.test(segment) && !NAMED.test(segment));
  if (wrong !== undefined) {
    return wrong === ''
      ? 'has an empty segment: write /room/:id, without // and without / at its end'
      : `has a segment that is neither plain text nor a name behind a colon: ${wrong}`;
  }
  if (segments.some(segment => NAMED.test(segment))) return undefined;
  return 'names no segment, so that every path would belong together: write /room/:id';
}

/**
 * The field that gives a client usher's cookie: for the session of the browser, for every path, out of reach of scripts.
 *
 * A client that came by https gets `SameSite=None; Secure; Partitioned`, so that it sends the cookie from a chat widget
 * on another site's page, too. `SameSite` guards authority, and this cookie has none: it only says which endpoint;
 * `Partitioned` (CHIPS) makes it a different cookie under each site, so that it follows nobody from site to site.
 * Browsers take neither without `Secure`: by http it is `SameSite=Lax`, and a widget's clients keep to the endpoint of
 * their address.
 * @param secure whether the client came by https
 */
export function setCookieText(name: string, value: string, secure: boolean): string {
  const attributes = secure ? 'SameSite=None; Secure; Partitioned' : 'SameSite=Lax';
  return `Set-Cookie: ${name}=${value}; Path=/; HttpOnly; ${attributes}\r\n`;
}
