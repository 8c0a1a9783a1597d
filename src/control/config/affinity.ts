/** `affinity`: what keeps a client, a session or a room on one endpoint, and what `balance` means beside it. */
import { z } from 'zod';
import { cookieNameFault, pathPatternFault } from '../../http/affinity.js';
import { isReservedName } from '../../http/field-names.js';
import type { AffinitySettings, BackendSettings } from '../../settings.js';
import type { Reading } from './host-port.js';
import { givenKeys, key } from './keys.js';
import { nearest } from './nearest.js';
import { show } from './problem.js';
import { routePath, scalar, withRule } from './scalars.js';

const SOCKET_IO_PATH = '/socket.io/';
const MIN_SECRET = 16;
const MAX_SECRET = 1024;
const MAX_NAME = 128;

type Balance = BackendSettings['balance'];
type Cookie = Extract<AffinitySettings, { readonly kind: 'cookie' }>;

/** As it is written: a cookie may be left without a name. */
export type AffinityConfig =
  | Exclude<AffinitySettings, Cookie>
  | (Omit<Cookie, 'name'> & { readonly name: string | undefined });

/** With a name for its cookie: each backend has its own, so that those of one site don't replace each other's. */
export function namedAffinity(affinity: AffinityConfig, backend: string): AffinitySettings {
  return affinity.kind === 'cookie' ? { ...affinity, name: affinity.name ?? `usher-${backend}` } : affinity;
}

/** How sessions without a place are balanced; `written`: what `balance` says, undefined when it is left out. */
export function placement(written: Balance | undefined, affinity: AffinityConfig | undefined): Balance {
  if (affinity === undefined) return written ?? 'round-robin';
  return isRemembered(affinity) ? (written ?? 'hash') : 'hash';
}

/** Whether the client brings the endpoint along, so that a balance chooses for new sessions only; else its key decides. */
export function isRemembered({ kind }: AffinityConfig): boolean {
  return kind === 'cookie' || kind === 'socket.io';
}

/** How it is written, for messages: `affinity: cookie`, `affinity: { header: x-room }`. */
export function affinityWords(affinity: AffinityConfig): string {
  if (affinity.kind === 'header' || affinity.kind === 'query')
    return `affinity: { ${affinity.kind}: ${affinity.name} }`;
  return affinity.kind === 'path' ? `affinity: { path: ${affinity.pattern} }` : `affinity: ${affinity.kind}`;
}

/** What may be written for `affinity`. */
export const affinity = () =>
  z.union([mapping, z.enum(['client-ip', 'cookie', 'socket.io']).transform(byName)], {
    error: issue => withRule('invalid-value', wrongWords(issue.input)),
  });

function byName(kind: 'client-ip' | 'cookie' | 'socket.io'): AffinityConfig {
  if (kind === 'cookie') return { kind, name: undefined, secret: undefined };
  return kind === 'socket.io' ? { kind, path: SOCKET_IO_PATH } : { kind };
}

const cookie = z.strictObject({
  name: scalar(readCookieName, { type: 'string', maxLength: MAX_NAME })
    .optional()
    .describe('Name of the cookie that usher sets. Default: usher- and the name of the backend.'),
  secret: scalar(readSecret, { type: 'string', minLength: MIN_SECRET, maxLength: MAX_SECRET })
    .optional()
    .describe(
      'Signs the cookie; the same in every usher of one balancer. At least 16 characters. Default: one of this process, so cookies end with it.',
    ),
});

const socketIo = z.strictObject({
  path: key(routePath(), SOCKET_IO_PATH, 'Where the requests of sessions come; /engine.io/ for Engine.IO alone.'),
});

const mapping = z
  .strictObject({
    cookie: cookie.optional().describe('A cookie of usher names the endpoint. No default.'),
    'socket.io': socketIo.optional().describe('The sid of a Socket.IO session, from its first answer on. No default.'),
    path: scalar(readPathPattern, { type: 'string', pattern: '^/' })
      .optional()
      .describe('A part of the path, such as /room/:id. No default.'),
    header: scalar(readHeaderName, { type: 'string', maxLength: MAX_NAME })
      .optional()
      .describe('A header field of the request, such as x-room. No default.'),
    query: scalar(readQueryName, { type: 'string', maxLength: MAX_NAME })
      .optional()
      .describe('A parameter of the query, such as room. No default.'),
  })
  .meta({ minProperties: 1, maxProperties: 1 })
  .transform((written, context): AffinityConfig => {
    const given = givenKeys(written);
    // Nothing is missing where a key was misspelt, which is told already.
    if (given.length > 1 || (given.length === 0 && context.issues.length === 0)) {
      const fault = given.length === 0 ? 'names no affinity: give it' : `has ${given.join(' and ')}: keep`;
      const words = `${fault} one of cookie, socket.io, path, header and query`;
      context.addIssue({ code: 'custom', message: withRule('affinity-choice', words) });
    }
    const { cookie, 'socket.io': socketIo, path, header, query } = written;
    if (cookie !== undefined) return { kind: 'cookie', name: cookie.name, secret: cookie.secret };
    if (socketIo !== undefined) return { kind: 'socket.io', path: socketIo.path };
    if (path !== undefined) return { kind: 'path', pattern: path };
    return header !== undefined ? { kind: 'header', name: header } : { kind: 'query', name: query ?? '' };
  });

const examples: Readonly<Record<string, string>> = {
  path: '{ path: /room/:id }',
  header: '{ header: x-room }',
  query: '{ query: room }',
};
const FORMS = `client-ip, cookie, socket.io, ${Object.values(examples).join(', ')}`;

function wrongWords(input: unknown): string {
  const near =
    typeof input === 'string'
      ? nearest(input, ['client-ip', 'cookie', 'socket.io', ...Object.keys(examples)])
      : undefined;
  if (near !== undefined && near === input) return `${show(input)} alone does not say which: write ${examples[near]}`;
  const hint = near === undefined ? `use ${FORMS}, or remove the key` : `did you mean ${examples[near] ?? near}?`;
  return `${show(input)} is not an affinity: ${hint}`;
}

/** RFC 9110 5.6.2: what names of header fields are made of. */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

function readCookieName(input: unknown): Reading<string> {
  const fault =
    typeof input === 'string' ? cookieNameFault(input) : 'is not a cookie name: write text such as usher-chat';
  if (typeof input === 'string' && fault === undefined) return { value: input };
  return { rule: 'invalid-cookie-name', fault: `${show(input)} ${fault}` };
}

/** The value is never shown. */
function readSecret(input: unknown): Reading<string> {
  if (typeof input !== 'string')
    return { rule: 'invalid-secret', fault: 'the secret is not text: put it into quotation marks' };
  if (input.length >= MIN_SECRET && input.length <= MAX_SECRET) return { value: input };
  const far = input.length < MIN_SECRET ? 'short' : 'long';
  const fault = `the secret is too ${far}: use ${MIN_SECRET} to ${MAX_SECRET} characters, such as the output of openssl rand -hex 32`;
  return { rule: 'invalid-secret', fault };
}

function readHeaderName(input: unknown): Reading<string> {
  const rule = 'invalid-header-name';
  const name = typeof input === 'string' ? input.toLowerCase() : '';
  if (name.length > MAX_NAME || !token.test(name))
    return { rule, fault: `${show(input)} is not a name of a header field: write one such as x-room` };
  if (isReservedName(name))
    return { rule, fault: `usher writes ${show(input)} itself and removes what clients send: use affinity: client-ip` };
  return { value: name };
}

/** The data plane compares names decoded, so none has an escape, or a mark that would have to be one. */
function readQueryName(input: unknown): Reading<string> {
  if (typeof input === 'string' && input.length <= MAX_NAME && /^[\w.~[\]!$'()*,;:@/?-]+$/.test(input))
    return { value: input };
  const fault = `${show(input)} is not a name of a query parameter: write it without %, &, =, + and spaces, such as room`;
  return { rule: 'invalid-query-name', fault };
}

function readPathPattern(input: unknown): Reading<string> {
  const isPlain = typeof input === 'string' && input.length <= MAX_NAME && /^[\x21-\x7e]+$/.test(input);
  const fault = isPlain ? pathPatternFault(input) : 'is not a pattern of a path: write one such as /room/:id';
  if (isPlain && fault === undefined) return { value: input };
  return { rule: 'invalid-path-pattern', fault: `${show(input)} ${fault}` };
}
